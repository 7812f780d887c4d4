import type { Json, LayerRef, StepRunner, VerifiedPackage } from '@ict/plugin-api';
import { composeTree, compositionSteps, type LayerCall } from './composition.js';
import { gatherConfiguration } from './configure.js';
import type { Plan, PlannedStep } from './engine-api.js';
import { buildArtifacts, imageEpoch, toolsStep } from './finalization.js';
import { lockDigest, type Lock } from './lock.js';
import type { SettledLock } from './lock-settling.js';
import type { PackageShelf } from './package-shelf.js';
import type { Services } from './services.js';
import type { StepCall } from './steps.js';
import type { Intake } from './template-intake.js';
import { gatherLayers } from './template-layers.js';

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

/** Ends the walk through a format's steps at the first result that is not stored. */
class FirstMiss extends Error {}

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
  const { lock } = settled;
  const found: PlannedStep[] = [];
  const build = services.build(lock.target, imageEpoch(lock, services.sourceDateEpoch), intake.spec.secrets);
  const withFiles = (pkgs: SettledLock['lock']['packages']): readonly VerifiedPackage[] =>
    pkgs.map((pkg) => ({ ...pkg, file: files.get(pkg.digest) ?? '' }));
  const composition = {
    ...intake,
    configuration: await gatherConfiguration(intake.spec),
    layers: await gatherLayers(intake.spec.layers),
    packages: withFiles(lock.packages),
    seed: lockDigest(lock),
    core: services.identity,
  };
  const peek = async (call: Omit<StepCall<Json>, 'run'> & Pick<LayerCall, 'way'>): Promise<Json> => {
    const { key, output, reason } = await build.steps.peek(call);
    const way = output === undefined ? await call.way?.() : undefined;
    const install = way === undefined ? {} : { install: { way: way.kind, reason: way.reason } };
    found.push({ type: call.type, key, hit: output !== undefined, reason, ...install });
    if (output === undefined) throw new FirstMiss();
    return output;
  };
  try {
    const tools = (await peek(toolsStep(composition, withFiles(lock.tools), build.trees, services.context))) as unknown as LayerRef;
    const ctx = build.context(tools);
    const tree = await composeTree(compositionSteps(composition, build.layers, build.source, ctx), peek);
    const runner: StepRunner = {
      step: async <Out extends Json>(type: string, version: number, key: Json): Promise<Out> =>
        (await peek({ type, version, by: intake.format.identity, key })) as Out,
    };
    await buildArtifacts(composition, tree, runner, ctx);
  } catch (error) {
    if (!(error instanceof FirstMiss)) throw error;
  }
  return found;
}
