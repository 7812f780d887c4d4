import type { RepositorySpec, VerifiedPackage } from '@ict/plugin-api';
import type { EngineOptions } from '../engine-api.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { dependencyGraph } from '../questions/dependency-graph.js';
import type { Services, TierUse } from '../services.js';
import type { Intake } from '../templates/template-intake.js';
import { obtainPackages } from './downloads.js';
import type { ForUnpacking } from './package-shelf.js';

/** The packages of a lock, all of them verified and on this machine. */
export interface LockedPackages {
  /** Those of the image. */
  readonly packages: readonly VerifiedPackage[];
  /** Those whose programs write it. */
  readonly tools: readonly VerifiedPackage[];
  readonly forUnpacking: ForUnpacking;
}

/** Makes every package of a lock lie verified on this machine. @throws as `obtainPackages` does. */
export async function fetchPackages(
  { lock, file, request }: SettledLock,
  intake: Pick<Intake, 'provider'>,
  { workers, offline }: Pick<EngineOptions, 'workers' | 'offline'>,
  services: Pick<Services, 'context' | 'mirrors' | 'packages'>,
  tier: TierUse,
): Promise<LockedPackages> {
  const { context } = services;
  const provider = intake.provider.part;
  const wanted = [...lock.packages, ...lock.tools];
  const shelf = services.packages(lock, provider, tier);
  context.emit({
    type: 'resolve.done',
    packages: lock.packages.length,
    downloadBytes: wanted.reduce((sum, pkg) => sum + pkg.sizeBytes, 0),
    fromLock: file !== undefined,
  });
  const list = (repository: RepositorySpec) => services.mirrors.list(repository, provider);
  const verified = await obtainPackages(wanted, request.repositories, provider, shelf, { workers, offline, list }, context);
  await shelf.writeGraph(dependencyGraph(lock.packages));
  const { forUnpacking } = shelf;
  return { packages: verified.slice(0, lock.packages.length), tools: verified.slice(lock.packages.length), forUnpacking };
}
