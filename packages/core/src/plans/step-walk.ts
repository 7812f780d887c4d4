import type { Json, LayerRef, StepRunner, VerifiedPackage } from '@ict/plugin-api';
import { composeTree, compositionSteps, type Composition, type LayerCall } from '../compose/composition.js';
import { gatherConfiguration } from '../compose/configure.js';
import type { PlannedStep } from './plan-documents.js';
import { formatInput, formatKey, imageEpoch, inventoryStep, toolsStep } from '../finalize/finalization.js';
import { lockDigest } from '../locks/lock.js';
import type { SettledLock } from '../locks/lock-settling.js';
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
export type WalkedStep = Omit<StepCall<Json>, 'run'> & Pick<LayerCall, 'way'>;

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
      configuration: await gatherConfiguration(intake.spec),
      layers: await gatherLayers(intake.spec.layers),
      packages: withFiles(lock.packages),
      seed: lockDigest(lock),
      core: services.identity,
    },
    tools: withFiles(lock.tools),
    epochSeconds,
    build: services.build(lock.target, epochSeconds, intake.spec.secrets),
    services,
  };
}

/** Ends the walk at a step without a result to go on with. */
class End extends Error {}

/**
 * Hands each step of a build to `see`, in the order of the build.
 *
 * @param see gives the result to go on with; undefined ends the walk.
 */
export async function walkSteps(walk: StepWalk, see: (step: WalkedStep) => Promise<Json | undefined>): Promise<void> {
  const { composition, tools, build, services } = walk;
  const next = async (step: WalkedStep): Promise<Json> => {
    const output = await see(step);
    if (output === undefined) throw new End();
    return output;
  };
  try {
    const unpacking = toolsStep(composition, tools, build.trees, services.context);
    const ctx = build.context(await unpackTools(composition, unpacking, async (call) => (await next(call)) as unknown as LayerRef));
    const tree = await composeTree(compositionSteps(composition, build.layers, build.source, ctx), next);
    const { identity } = composition.format;
    const runner: StepRunner = {
      step: async <Out extends Json>(type: string, version: number, key: Json): Promise<Out> =>
        (await next({ type, version, by: identity, key: formatKey(key, identity, composition.spec) })) as Out,
    };
    await composition.format.part.build(formatInput(composition, tree), runner, ctx);
    await next(inventoryStep(composition, tree, build.trees));
  } catch (error) {
    if (!(error instanceof End)) throw error;
  }
}

/** Of a step that would run and installs packages: on a copy of a cached layer, or cleanly, and why. */
export async function installWay(step: WalkedStep): Promise<Pick<PlannedStep, 'install'>> {
  const way = await step.way?.();
  return way === undefined ? {} : { install: { way: way.kind, reason: way.reason } };
}
