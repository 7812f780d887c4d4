import type { ResolvedPackage } from '@ict/plugin-api';
import { inParallel } from '../in-parallel.js';
import type { Plan, PlannedStep } from './plan-documents.js';
import type { Lock } from '../locks/lock.js';
import type { SettledLock } from '../locks/lock-settling.js';
import type { PackageShelf } from '../packages/package-shelf.js';
import type { Services } from '../services.js';
import { installWay, planWalk, walkSteps } from './step-walk.js';
import type { Intake } from '../templates/template-intake.js';

/** Says what a build would do: packages, what of them the cache has, bytes to fetch, and which steps would hit. Changes nothing. */
export async function planBuild(intake: Intake, settled: SettledLock, services: Services): Promise<Plan> {
  const { lock } = settled;
  const content = await planContent(lock, services.packages(lock, intake.provider.part), services.context.signal);
  return planOf(lock, content, await peekSteps(intake, settled, content.files, services));
}

/** The packages of a lock, and which of them the cache has: `files` by digest, empty where it has none. */
export interface PlannedContent extends Pick<Plan, 'packages' | 'fetchBytes'> {
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Packages that are looked up at the same time: each look waits for the disk several times, and has a file or two open; that they are used is
 * noted before, once for all that begin together.
 */
const LOOKUPS = 64;

/** Looks the packages of a lock up in the cache, each content once. */
export async function planContent(lock: Lock, shelf: Pick<PackageShelf, 'lookup'>, signal: AbortSignal): Promise<PlannedContent> {
  const contents = new Map<string, ResolvedPackage>();
  for (const pkg of [...lock.packages, ...lock.tools]) if (!contents.has(pkg.digest)) contents.set(pkg.digest, pkg);
  const files = new Map<string, string>();
  await inParallel([...contents.values()], LOOKUPS, signal, async (pkg) => {
    const found = await shelf.lookup(pkg);
    files.set(pkg.digest, found.state === 'hit' ? found.file : '');
  });
  const packages = [...contents.values()].map(({ name, version, arch, repository, digest, sizeBytes, requestedBy }) => {
    const cached = files.get(digest) !== '';
    return { name, version, arch, repository, digest, sizeBytes, requestedBy, cached };
  });
  const fetchBytes = packages.reduce((sum, { cached, sizeBytes }) => sum + (cached ? 0 : sizeBytes), 0);
  return { packages, fetchBytes, files };
}

/** The document of a plan. */
export function planOf(lock: Lock, { packages, fetchBytes }: PlannedContent, steps: Plan['steps']): Plan {
  return {
    schemaVersion: 1,
    target: lock.target,
    repositories: lock.repositories.map(({ id, archive, suite, components, root, signers }) => ({
      id,
      archive,
      suite,
      components,
      root: root.digest,
      date: new Date(root.dateSeconds * 1000).toISOString(),
      signers,
    })),
    packages,
    steps,
    fetchBytes,
  };
}

/**
 * Follows the steps of a build as far as their results are stored; what comes after a miss has no key yet.
 *
 * @param files packages in the cache, by digest; empty for those that are not.
 */
async function peekSteps(
  intake: Intake,
  settled: SettledLock,
  files: ReadonlyMap<string, string>,
  services: Services,
): Promise<Plan['steps']> {
  const found: PlannedStep[] = [];
  const walk = await planWalk(intake, settled, files, services);
  await walkSteps(walk, async (call) => {
    const { key, output, reason } = await walk.build.steps.peek(call);
    found.push({ type: call.type, key, hit: output !== undefined, reason, ...(output === undefined ? await installWay(call) : {}) });
    return output;
  });
  return found;
}
