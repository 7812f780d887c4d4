import type { Digest, Json, LayerRef, StepRunner, VerifiedPackage } from '@ict/plugin-api';
import { composeTree, compositionSteps, type Composition, type LayerCall } from '../compose/composition.js';
import { gatherConfiguration } from '../compose/configure.js';
import { treeEpoch } from '../compose/template-epoch.js';
import { formatInput, formatKey, imageEpoch, inventoryStep, toolsStep } from '../finalize/finalization.js';
import { lockDigest, lockSeed } from '../locks/lock.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { specFor } from '../plugins/plugin-view.js';
import type { BuildServices, Services } from '../services.js';
import type { StepCall } from '../steps.js';
import type { Intake } from '../templates/template-intake.js';
import { gatherLayers } from '../compose/template-layers.js';
import { unpackTools } from '../finalize/tools-tree.js';

/** A build that is followed without doing any of its work. */
export interface StepWalk {
  readonly composition: Composition;
  readonly tools: readonly VerifiedPackage[];
  readonly epochSeconds: number;
  readonly build: BuildServices;
  readonly services: Services;
}

/** A step on the way. */
export interface WalkedStep extends Omit<StepCall<Json>, 'run'>, Pick<LayerCall, 'way'> {
  /** Of a step of an image format: what stands for its result. */
  readonly unmade?: (digest: Digest) => Json;
}

/** @param files packages in the cache, by digest; empty for those that are not. */
export async function planWalk(
  intake: Intake,
  { lock }: SettledLock,
  files: ReadonlyMap<string, string>,
  services: Services,
): Promise<StepWalk> {
  const withFiles = (pkgs: typeof lock.packages): readonly VerifiedPackage[] =>
    pkgs.map((pkg) => ({ ...pkg, file: files.get(pkg.digest) ?? '' }));
  const epochSeconds = imageEpoch(lock, services.sourceDateEpoch);
  return {
    composition: {
      ...intake,
      configuration: await gatherConfiguration(intake.spec, intake.format.part),
      layers: await gatherLayers(intake.spec.layers),
      packages: withFiles(lock.packages),
      lock: lockDigest(lock),
      seed: lockSeed(lock),
      treeEpoch: treeEpoch(services.sourceDateEpoch),
      core: services.identity,
    },
    tools: withFiles(lock.tools),
    epochSeconds,
    build: services.build(lock.target, epochSeconds, intake.spec.secrets),
    services,
  };
}

/** Ends the walk through an image format, of whose results only the format knows what they are. */
class End extends Error {}

/**
 * Hands each step of a build to `see`, in the order of the build. Of the steps of an image format those after the first without a result to
 * go on with are left out, and so are those after an error of a format that says it cannot make the image.
 *
 * @param see gives the result to go on with; undefined only for steps of a format.
 */
export async function walkSteps(walk: StepWalk, see: (step: WalkedStep) => Promise<Json | undefined>): Promise<void> {
  const { composition, tools, build, services } = walk;
  const next = async (step: WalkedStep): Promise<Json> => {
    const output = await see(step);
    if (output === undefined) throw new End();
    return output;
  };
  const unpacking = toolsStep(composition, tools, build.trees, services.context);
  const ctx = build.context(await unpackTools(composition, unpacking, async (call) => (await next(call)) as unknown as LayerRef));
  const tree = await composeTree(compositionSteps(composition, build.layers, build.source, ctx), next);
  const { identity } = composition.format;
  const runner: StepRunner = {
    step: async <Out extends Json>(
      type: string,
      version: number,
      key: Json,
      _run: () => Promise<Out>,
      unmade?: (digest: Digest) => Out,
    ): Promise<Out> => {
      const step = { type, version, by: identity, key: formatKey(key, identity, composition.spec) };
      return (await next(unmade === undefined ? step : { ...step, unmade })) as Out;
    },
  };
  try {
    // What a format says as it goes is of files that nobody makes here, and may come from results of other trees.
    await composition.format.part.build(formatInput(composition, tree), runner, { ...ctx, emit: () => undefined });
  } catch (error) {
    if (!(error instanceof End) && !isRefused(composition)) throw error;
  }
  await see(inventoryStep(composition, tree, build.trees));
}

/** Whether a build refuses the image as one that its format cannot make yet. A plan goes as far as the format does. */
function isRefused({ spec, distribution, format: { part, identity } }: Composition): boolean {
  return part.check(specFor(spec, identity), distribution).some(({ severity }) => severity === 'error');
}
