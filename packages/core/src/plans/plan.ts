import type { Exporter, ResolvedPackage } from '@ict/plugin-api';
import { cacheUse, type StorageSwitches } from '../cache-use.js';
import { IMAGE_STEP } from '../finalize/image-cache.js';
import { inParallel } from '../in-parallel.js';
import type { Plan, PlannedPackage, PlannedStep } from './plan-documents.js';
import { toolsAlone, type Lock } from '../locks/lock.js';
import type { SettledLock } from '../locks/lock-settling.js';
import type { PackageShelf } from '../packages/package-shelf.js';
import type { Loaded } from '../plugins/plugin-host.js';
import type { Services } from '../services.js';
import { foreseeSteps, type StepOutlook } from './step-outlook.js';
import { planWalk } from './step-walk.js';
import type { Intake } from '../templates/template-intake.js';

/** Says what a build would do: packages, what of them the cache has, bytes to fetch, and which steps would hit. Changes nothing. */
export async function planBuild(
  intake: Intake,
  settled: SettledLock,
  exporters: readonly Loaded<Exporter>[],
  storage: StorageSwitches,
  services: Services,
): Promise<Plan> {
  const { lock } = settled;
  const content = await planTemplateContent(lock, intake, storage, services);
  const outlooks = await foreseeSteps(await planWalk(intake, settled, content.files, services), exporters, intake, storage);
  const [first] = outlooks;
  const finished = first?.type === IMAGE_STEP && first.verdict === 'hit';
  return planOf(lock, finished ? { ...content, fetchBytes: 0 } : content, outlooks.map(plannedStep));
}

function plannedStep({ type, key, verdict, reason, waitsFor, install }: StepOutlook): PlannedStep {
  return {
    type,
    ...(key === undefined ? {} : { key }),
    hit: verdict === 'hit',
    reason,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...(install === undefined ? {} : { install }),
  };
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
  const tools = toolsAlone(lock);
  for (const pkg of [...lock.packages, ...tools]) if (!contents.has(pkg.digest)) contents.set(pkg.digest, pkg);
  const files = new Map<string, string>();
  await inParallel([...contents.values()], LOOKUPS, signal, async (pkg) => {
    const found = await shelf.lookup(pkg);
    files.set(pkg.digest, found.state === 'hit' ? found.file : '');
  });
  const ofTools = new Set(tools.map(({ digest }) => digest));
  const packages = [...contents.values()].map(({ name, version, arch, repository, digest, sizeBytes, requestedBy }): PlannedPackage => {
    const part = ofTools.has(digest) ? 'tools' : 'image';
    return { name, version, arch, repository, digest, sizeBytes, requestedBy, part, cached: files.get(digest) !== '' };
  });
  const fetchBytes = packages.reduce((sum, { cached, sizeBytes }) => sum + (cached ? 0 : sizeBytes), 0);
  return { packages, fetchBytes, files };
}

/** As {@link planContent}, from the package cache where a build of the template uses it. */
export async function planTemplateContent(
  lock: Lock,
  { spec, provider }: Pick<Intake, 'spec' | 'provider'>,
  storage: StorageSwitches,
  services: Services,
): Promise<PlannedContent> {
  const shelf = services.packages(lock, provider.part, { use: cacheUse({}, storage, spec).packages });
  return planContent(lock, shelf, services.context.signal);
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
