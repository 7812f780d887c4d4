import { fromErrorRecord, isIctError, toErrorRecord } from '@ict/plugin-api';
import type { Digest, RepositorySpec, ResolvedPackage, VerifiedPackage } from '@ict/plugin-api';
import type { EngineOptions } from '../engine-api.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { dependencyGraph } from '../questions/dependency-graph.js';
import type { Services, TierUse } from '../services.js';
import type { Intake } from '../templates/template-intake.js';
import { obtainPackages, uniqueContents } from './downloads.js';
import type { ForUnpacking } from './package-shelf.js';
import { withLockedKeys } from '../repositories/fetched-keys.js';

/** The packages of a lock. */
export interface LockedPackages {
  /** Those of the image. */
  readonly packages: readonly VerifiedPackage[];
  /** Those whose programs write it. */
  readonly tools: readonly VerifiedPackage[];
  /** How many they are together: one that image and tools need counts once. */
  readonly distinct: number;
  readonly forUnpacking: ForUnpacking;
}

/** How packages are come by. */
export interface PackageUse extends TierUse {
  /**
   * Each package is fetched when it is unpacked, and has no file until then: where layers come from other machines, most never are. Default: all
   * are fetched now.
   */
  readonly late?: boolean;
}

/** Makes every package of a lock lie verified on this machine, now or when it is needed. @throws as `obtainPackages` does. */
export async function fetchPackages(
  { lock, file, request }: SettledLock,
  intake: Pick<Intake, 'provider'>,
  { workers, offline }: Pick<EngineOptions, 'workers' | 'offline'>,
  services: Pick<Services, 'context' | 'mirrors' | 'packages'>,
  use: PackageUse,
): Promise<LockedPackages> {
  const { context } = services;
  const provider = intake.provider.part;
  const wanted = [...lock.packages, ...lock.tools];
  const shelf = services.packages(lock, provider, use);
  const contents = uniqueContents(wanted);
  context.emit({
    type: 'resolve.done',
    packages: contents.length,
    downloadBytes: contents.reduce((sum, pkg) => sum + pkg.sizeBytes, 0),
    fromLock: file !== undefined,
  });
  const list = (repository: RepositorySpec) => services.mirrors.list(repository, provider);
  let keyed: Promise<readonly RepositorySpec[]> | undefined;
  const obtain = async (packages: readonly ResolvedPackage[]) => {
    const repositories = await (keyed ??= withLockedKeys(request.repositories, lock.repositories, services.mirrors, context));
    return obtainPackages(packages, repositories, provider, shelf, { workers, offline, list }, context).catch((error: unknown) => {
      throw file === undefined ? error : doubtingLock(error, file);
    });
  };
  const { forUnpacking } = shelf;
  const fetched = fetchedOnce(obtain);
  const verified = use.late === true ? wanted.map(withoutFile) : await fetched(wanted);
  await shelf.writeGraph(dependencyGraph(lock.packages));
  return {
    packages: verified.slice(0, lock.packages.length),
    tools: verified.slice(lock.packages.length),
    distinct: contents.length,
    forUnpacking: async (packages) => forUnpacking(await fetched(packages)),
  };
}

/**
 * A package that is not what a lock says: the repository or a mirror may be wrong, or the lock, which people edit and merge.
 *
 * @returns what was thrown, whose hint names the lock; what tells of no wrong content stays as it is.
 */
function doubtingLock(error: unknown, file: string): unknown {
  if (!isIctError(error) || error.kind !== 'integrity') return error;
  const { hint, ...record } = toErrorRecord(error);
  const doubt = `If ${file} was edited or merged by hand, restore it from version control, or write it anew with \`ict lock\`.`;
  return fromErrorRecord(
    { ...record, hint: hint === undefined ? doubt : `${doubt} Otherwise: ${hint}`, facts: { ...record.facts, lock: file } },
    error,
  );
}

/** A package that is not on this machine yet, as far as is known. */
function withoutFile(pkg: ResolvedPackage): VerifiedPackage {
  return { ...pkg, file: '' };
}

/** Fetches packages, each of them once. */
function fetchedOnce(
  obtain: (packages: readonly ResolvedPackage[]) => Promise<readonly VerifiedPackage[]>,
): (packages: readonly ResolvedPackage[]) => Promise<readonly VerifiedPackage[]> {
  const files = new Map<Digest, string>();
  return async (packages) => {
    const missing = packages.filter(({ digest }) => !files.has(digest));
    const obtained = missing.length === 0 ? [] : await obtain(missing);
    for (const { digest, file } of obtained) files.set(digest, file);
    return packages.map((pkg) => ({ ...pkg, file: files.get(pkg.digest) as string }));
  };
}
