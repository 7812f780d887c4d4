import type { Plan, PlannedStep } from './engine-api.js';
import type { Lock } from './lock.js';
import type { SettledLock } from './lock-settling.js';
import type { PackageShelf } from './package-shelf.js';
import type { Services } from './services.js';
import { installWay, planWalk, walkSteps } from './step-walk.js';
import type { Intake } from './template-intake.js';

/** Says what a build would do: packages, what of them the cache has, bytes to fetch, and which steps would hit. Changes nothing. */
export async function planBuild(intake: Intake, settled: SettledLock, services: Services): Promise<Plan> {
  const { lock } = settled;
  const content = await planContent(lock, services.packages(lock, intake.provider.part));
  return planOf(lock, content, await peekSteps(intake, settled, content.files, services));
}

/** The packages of a lock, and which of them the cache has: `files` by digest, empty where it has none. */
export interface PlannedContent extends Pick<Plan, 'packages' | 'fetchBytes'> {
  readonly files: ReadonlyMap<string, string>;
}

/** Looks the packages of a lock up in the cache, each content once. */
export async function planContent(lock: Lock, shelf: Pick<PackageShelf, 'lookup'>): Promise<PlannedContent> {
  const packages = [];
  let fetchBytes = 0;
  const files = new Map<string, string>();
  for (const pkg of [...lock.packages, ...lock.tools]) {
    if (files.has(pkg.digest)) continue;
    const found = await shelf.lookup(pkg);
    const cached = found.state === 'hit';
    files.set(pkg.digest, cached ? found.file : '');
    if (!cached) fetchBytes += pkg.sizeBytes;
    const { name, version, arch, repository, digest, sizeBytes, requestedBy } = pkg;
    packages.push({ name, version, arch, repository, digest, sizeBytes, requestedBy, cached });
  }
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
