import type {
  BuildContext,
  DistributionDefinition,
  ImageFormat,
  ImageInput,
  ImageSpec,
  InstallChange,
  Json,
  LayerRef,
  Provider,
  TreeRef,
  TreeSession,
  VerifiedPackage,
} from '@ict/plugin-api';
import { isIctError, type Digest } from '@ict/plugin-api';
import type { LayerManifest } from '@ict/sandbox';
import { configurationKey, configureTree, type Configuration } from './configure.js';
import type { EarlierLayers } from './earlier-layers.js';
import { baseIds } from './base-set.js';
import type { CodeIdentity } from '../plugins/code-identity.js';
import { initrdStep } from './initrd-step.js';
import type { Loaded } from '../plugins/plugin-host.js';
import { specFor } from '../plugins/plugin-view.js';
import type { ForUnpacking } from '../packages/package-shelf.js';
import { chooseWay, DeltaRefused, reviewDelta, type InstallWay } from './delta.js';
import type { StoredLayer } from '../trees/layer-shelf.js';
import { layerDigests, type LayerPresence, type StepCall, type StepSibling } from '../steps.js';
import { layerOutput } from '../step-output.js';
import { TEMPLATE_EPOCH } from './template-epoch.js';
import { templateLayerSteps, type GatheredLayer, type LayerPlace } from './template-layers.js';

/** What composing a root tree depends on. */
export interface Composition {
  readonly spec: ImageSpec;
  readonly distribution: DistributionDefinition;
  readonly provider: Loaded<Provider>;
  readonly format: Loaded<ImageFormat>;
  readonly configuration: Configuration;
  readonly layers: readonly GatheredLayer[];
  readonly packages: readonly VerifiedPackage[];
  /** Names the whole lock. */
  readonly lock: Digest;
  readonly seed: Digest;
  /** Time of what packages' scripts make in the tree, seconds since 1970. */
  readonly treeEpoch: number;
  readonly core: CodeIdentity;
  /** Nothing may be fetched: layers that reach the network are not made. */
  readonly offline?: boolean;
}

/** A step of the composition. */
export interface LayerCall extends StepCall<Json> {
  /** Whether a layer of packages would begin from a cached one. */
  readonly way?: () => Promise<InstallWay>;
  /** The tree that a layer is made over. */
  readonly over: TreeRef;
  /** Makes the layer from nothing but what its key says, whatever the cache holds. Absent when there is no such layer. */
  readonly clean?: (layers: LayerMaker) => Promise<LayerRef>;
  /** What a result adds to the image; without it, the layer that it is. */
  readonly settle?: (output: Json) => readonly LayerRef[];
}

/** A step of the composition, once the layers below it are known. */
export type LayerStep = (below: TreeRef) => LayerCall;

/** Where layers are made. The base tree has a home of its own. */
export interface LayerMaker {
  base(work: (tree: TreeSession) => Promise<void>): Promise<LayerRef>;
  over(parent: TreeRef, work: (tree: TreeSession) => Promise<void>, epochSeconds?: number): Promise<LayerRef>;
  /** As `over`, beginning with the content of `start`, a layer over the same parent. `review` may refuse the result by throwing. */
  from(start: LayerRef, parent: TreeRef, work: (tree: TreeSession) => Promise<void>, review: ReviewLayer): Promise<LayerRef>;
  /** A layer of a template, whose files are all of 1980. `start`: the layer with whose content it begins. */
  template(place: LayerPlace, work: (tree: TreeSession) => Promise<void>, start?: LayerRef): Promise<LayerRef>;
  /** Runs `work` where a layer of a template would be made, and throws its changes away. */
  glance<T>(place: LayerPlace, work: (tree: TreeSession) => Promise<T>): Promise<T>;
  /** What packages are unpacked from. */
  readonly forUnpacking: ForUnpacking;
  recall: EarlierLayers['recall'];
  remember: EarlierLayers['remember'];
}

/** Runs the steps of a composition, each over what the ones before it made. @param run runs a step, or looks its result up. */
export async function composeTree(steps: readonly LayerStep[], run: (call: LayerCall) => Promise<Json>): Promise<TreeRef> {
  let tree: TreeRef = { layers: [] };
  for (const step of steps) {
    const call = step(tree);
    const output = await run(call);
    tree = { layers: [...tree.layers, ...(call.settle?.(output) ?? [output as unknown as LayerRef])] };
  }
  return tree;
}

/** Looks at a layer beside the one that it began with. */
export type ReviewLayer = (before: LayerManifest, after: LayerManifest) => void;

/** Finds layers that a new one may begin with, or that may stand for it. */
export interface LayerSource extends LayerPresence {
  /** What a layer holds, as it was stored; undefined when it is gone. */
  stored(layer: Pick<LayerRef, 'digest'>): Promise<Pick<StoredLayer, 'directory' | 'manifest'> | undefined>;
  siblings(call: Omit<StepCall<Json>, 'run'>): AsyncIterable<StepSibling>;
}

/**
 * The steps that make a root tree, lowest layer first: base tree, image packages, configuration, the template's own layers, and the initrd
 * of images that have one in their tree.
 * Each is keyed by the content of the layers below it, so that an equal result below lets everything above hit.
 */
export function compositionSteps(input: Composition, layers: LayerMaker, source: LayerSource, build: BuildContext): readonly LayerStep[] {
  // Not the image's epoch: repositories that are signed anew bring another one, and the same packages make the same tree.
  const ctx = { ...build, epochSeconds: input.treeEpoch };
  const base = baseIds(input.packages);
  const isBase = (pkg: VerifiedPackage) => base.has(pkg.id);
  const rest = input.packages.filter((pkg) => !isBase(pkg));
  const steps: LayerStep[] = [baseStep(input, input.packages.filter(isBase), layers, ctx)];
  if (rest.length > 0 || input.spec.target.foreignArchitectures !== undefined) steps.push(packagesStep(input, rest, layers, source, ctx));
  steps.push(configurationStep(input, layers, ctx), ...templateLayerSteps(input, layers, ctx));
  if (input.format.part.needsInitrd !== false) steps.push(initrdStep(input, layers, source, ctx));
  return steps;
}

function installKey(
  input: Composition,
  packages: readonly VerifiedPackage[],
  foreignArchitectures: readonly string[],
  ctx: BuildContext,
): { readonly [key: string]: Json } {
  return {
    ...(foreignArchitectures.length === 0 ? {} : { foreignArchitectures }),
    ...(fileChoiceOf(input) as Record<string, Json>),
    packages: Object.fromEntries(packages.map((pkg) => [pkg.id, `${pkg.version} ${pkg.digest}`])),
    installer: input.provider.part.installer.version,
    quirks: (input.distribution.quirks ?? {}) as Json,
    environment: { ...input.distribution.boot.withoutInitrd },
    epochSeconds: ctx.epochSeconds,
  };
}

async function install(
  input: Composition,
  { install: packages, ...others }: Pick<InstallChange, 'foreignArchitectures' | 'install' | 'installed'>,
  { forUnpacking }: LayerMaker,
  tree: TreeSession,
  ctx: BuildContext,
): Promise<void> {
  const { installer } = input.provider.part;
  const change: InstallChange = { ...others, ...fileChoiceOf(input), install: await forUnpacking(packages), remove: [] };
  await installer.apply(change, tree, input.distribution, ctx);
  await installer.clean(tree, ctx);
}

/** What keys and changes say of a choice among files: nothing where there is none. */
function fileChoiceOf({ spec }: Composition): Pick<InstallChange, 'fileChoice'> {
  const { fileChoice } = spec.system;
  return fileChoice === undefined ? {} : { fileChoice };
}

/** Of the foreign architectures only those that its packages have, which hardly ever are any: the base tree serves images with and without. */
function baseStep(input: Composition, packages: readonly VerifiedPackage[], layers: LayerMaker, ctx: BuildContext): LayerStep {
  const { foreignArchitectures = [] } = input.spec.target;
  const foreign = foreignArchitectures.filter((name) => packages.some(({ arch }) => arch === name));
  const change = { foreignArchitectures: foreign, install: packages };
  const clean = (maker: LayerMaker) => maker.base((tree) => install(input, change, maker, tree, ctx));
  return (over) => ({
    type: 'ict.base',
    version: 1,
    by: input.provider.identity,
    expects: layerOutput,
    key: installKey(input, packages, foreign, ctx),
    over,
    clean,
    run: () => tagged(clean(layers)),
  });
}

function packagesStep(
  input: Composition,
  packages: readonly VerifiedPackage[],
  layers: LayerMaker,
  source: LayerSource,
  ctx: BuildContext,
): LayerStep {
  const { installer } = input.provider.part;
  const { foreignArchitectures = [] } = input.spec.target;
  return (below) => {
    const key = { below: layerDigests(below), ...installKey(input, packages, foreignArchitectures, ctx) };
    const identity = { type: 'ict.packages', version: 1, by: input.provider.identity, expects: layerOutput, key };
    const way = () => chooseWay(packages, key, source.siblings(identity), source, installer, ctx);
    const clean = (maker: LayerMaker) => {
      const wanted = new Set(packages);
      const change = { foreignArchitectures, install: packages, installed: input.packages.filter((pkg) => !wanted.has(pkg)) };
      return maker.over(below, (tree) => install(input, change, maker, tree, ctx));
    };
    const run = async () => tagged(installBy(await way(), below, input, layers, clean, ctx));
    return { ...identity, way, over: below, clean, run };
  };
}

/** Applies a delta, if that is the way and nothing speaks against it on the way; else installs cleanly. */
async function installBy(
  way: InstallWay,
  below: TreeRef,
  input: Composition,
  layers: LayerMaker,
  clean: (maker: LayerMaker) => Promise<LayerRef>,
  ctx: BuildContext,
): Promise<LayerRef> {
  const { delta } = input.provider.part.installer;
  ctx.emit({ type: 'install.way', way: way.kind, reason: way.reason });
  if (way.kind === 'clean' || delta === undefined) return clean(layers);
  let expected = (_path: string): boolean => false;
  try {
    return await layers.from(
      way.start,
      below,
      async (tree) => {
        const change = { ...way.change, ...fileChoiceOf(input), install: await layers.forUnpacking(way.change.install) };
        const outcome = await delta.apply(change, tree, input.distribution, ctx);
        if (outcome.kind === 'refused') throw new DeltaRefused(outcome.reason);
        ({ expected } = outcome);
      },
      (before, after) => reviewDelta(before, after, expected),
    );
  } catch (error) {
    // A command that fails on a tree of yesterday may do well on a new one; if not, the clean installation says so.
    if (!(error instanceof DeltaRefused) && !(isIctError(error) && error.kind === 'command')) throw error;
    ctx.emit({ type: 'install.way', way: 'clean', reason: error.message });
    return clean(layers);
  }
}

function configurationStep(input: Composition, layers: LayerMaker, ctx: BuildContext): LayerStep {
  const { distribution, seed, configuration } = input;
  const spec = specFor(input.spec, input.format.identity);
  const format = input.format.part;
  const prepared = { spec, distribution, seed };
  const work = async (tree: TreeSession): Promise<void> => {
    await format.prepare(prepared, tree);
    await configureTree(configuration, tree, ctx);
    await input.provider.part.installer.clean(tree, ctx);
  };
  const make = (below: TreeRef) => (maker: LayerMaker) => maker.over(below, work, TEMPLATE_EPOCH);
  return (below) => ({
    type: 'ict.configure',
    version: 1,
    by: input.format.identity,
    expects: layerOutput,
    key: {
      below: layerDigests(below),
      provider: { ...input.provider.identity },
      configuration: configurationKey(configuration),
      // Formats of one plugin may read the same, and write something else.
      imageTypes: [...format.imageTypes],
      version: format.version,
      prepare: format.prepareKey === undefined ? wholeInput(prepared) : format.prepareKey(prepared),
      sections: { ...spec.sections },
      epochSeconds: ctx.epochSeconds,
    },
    over: below,
    clean: make(below),
    run: () => tagged(make(below)(layers)),
  });
}

/** All that a format may read while it prepares a tree, for one that does not say what it reads. */
function wholeInput({ spec, distribution, seed }: Omit<ImageInput, 'tree'>): Json {
  return {
    disk: spec.disk as unknown as Json,
    seed,
    target: { ...spec.target },
    title: distribution.title,
    boot: {
      kernel: spec.system.kernel.cmdline,
      bootloader: { ...spec.system.bootloader },
      definition: distribution.boot as unknown as Json,
    },
    image: { ...spec.image },
  };
}

/** A layer as the output of a step. */
export async function tagged(layer: Promise<LayerRef>): Promise<LayerRef & Json> {
  return { ...(await layer) };
}
