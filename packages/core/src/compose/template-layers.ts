import { isIctError, type IctError } from '@ict/plugin-api';
import type { BuildContext, LayerRef, LayerSpec, TreeRef, TreeSession } from '@ict/plugin-api';
import { formatPath } from '@ict/template';
import type { Composition, LayerCall, LayerMaker, LayerStep } from './composition.js';
import type { EarlierLayer } from './earlier-layers.js';
import { fileKeys, gatherFiles, placeFiles, treeEnvironment, type GatheredFile } from './configure.js';
import { coreErrorAt } from '../errors.js';
import { listInputs, placeInputs, type InputListing } from './host-inputs.js';
import { namingCommand, runCommand } from './template-command.js';
import { TEMPLATE_EPOCH } from './template-epoch.js';
import type { TreeMount } from '../trees/trees.js';
import { layerOutput } from '../step-output.js';
import { layerDigests } from '../steps.js';

/** A layer of a template with the content of everything that it reads of the host. */
export interface GatheredLayer {
  readonly spec: LayerSpec;
  readonly files: readonly GatheredFile[];
  readonly inputs: InputListing;
}

/** Reads what the layers of a template depend on. */
export async function gatherLayers(layers: readonly LayerSpec[]): Promise<readonly GatheredLayer[]> {
  return Promise.all(layers.map(async (spec) => ({ spec, files: await gatherFiles(spec.files), inputs: await listInputs(spec.inputs) })));
}

/** Raised when layers come out otherwise for equal input: earlier ones are then made anew, and not handed to `validate`. */
const LAYER_API = 1;

/**
 * Where directories that outlive builds lie: what is written there is no part of the layer, and they hide what the tree has there. Which
 * directories they are, and what they hold, shapes nothing.
 */
export function cacheTargets({ cacheMounts }: LayerSpec): readonly string[] {
  return cacheMounts.map(({ target }) => target).sort();
}

/** Where the layers that are kept, but neither in the image nor part of the tree, show to those after them. */
const KEPT = '/run/ict/layers';

/** What layers further down leave for the ones above. */
interface Below {
  /** Layers that are not in the image, with how many layers of the image lie below each. */
  readonly aside: { readonly layer: LayerRef; readonly above: number }[];
  /** Layers of type `build`, in order. */
  readonly build: LayerSpec[];
  /** Layers of type `cache` alone. */
  readonly kept: { readonly name: string; readonly layer: LayerRef }[];
}

/**
 * The steps of a template's layers. A layer sees the image so far, and the layers of type `build` that are not part of it; layers of
 * type `build` also give it their environment, programs and libraries. One of no type runs on a view that is thrown away.
 */
export function templateLayerSteps(input: Composition, layers: LayerMaker, ctx: BuildContext): readonly LayerStep[] {
  const below: Below = { aside: [], build: [], kept: [] };
  return input.layers.map((layer) => (image) => layerCall(layer, image, below, { input, layers, ctx }));
}

/** What all layers of a template are made with. */
interface LayerWork {
  readonly input: Composition;
  readonly layers: LayerMaker;
  readonly ctx: BuildContext;
}

function layerCall(layer: GatheredLayer, image: TreeRef, below: Below, { input, layers, ctx }: LayerWork): LayerCall {
  const { spec } = layer;
  const { launch, build, cache } = spec.types;
  const tree = visibleTree(image, below);
  const kept = [...below.kept];
  const env = layerEnvironment(spec, below.build);
  const fixed = {
    layerApi: LAYER_API,
    types: { ...spec.types },
    invalidateOn: {
      packages: Object.fromEntries(spec.invalidateOn.packages.map((name) => [name, packageVersion(name, input)])),
      values: spec.invalidateOn.values,
    },
  };
  const outOfReach = spec.network && input.offline === true;
  const work = async (session: TreeSession): Promise<void> => {
    if (outOfReach) throw offline(spec, input.layers.slice(input.layers.indexOf(layer) + 1));
    await placeFiles(layer.files, session);
    await placeInputs(spec.inputs, layer.inputs, session);
    await runAll(layer, env, session, { input, ctx });
    if (launch) await input.provider.part.installer.clean(session, ctx);
  };
  const mounts = kept.map(({ name, layer: ref }): TreeMount => ({ source: { layers: [ref] }, at: `${KEPT}/${name}`, writable: false }));
  const place = { parent: tree, mounts, cacheMounts: spec.cacheMounts };
  const scope = `${input.spec.target.os} ${input.spec.target.dist} ${input.spec.target.arch} ${input.spec.system.name} ${spec.name}`;
  let exact = true;
  return {
    type: `ict.layer.${spec.name}`,
    version: 1,
    by: input.core,
    ...(launch || build || cache ? { expects: layerOutput } : {}),
    key: {
      ...fixed,
      below: layerDigests(tree),
      kept: Object.fromEntries(kept.map(({ name, layer: ref }) => [name, ref.digest])),
      files: fileKeys(layer.files),
      inputs: layer.inputs,
      cacheMounts: cacheTargets(spec),
      run: spec.run,
      env,
      network: spec.network,
      metadata: spec.metadata,
      installer: input.provider.part.installer.version,
      // What cleans up after the commands is the provider's code.
      ...(launch ? { provider: { ...input.provider.identity } } : {}),
    },
    over: tree,
    ...((launch || build || cache) && !outOfReach ? { clean: (maker: LayerMaker) => maker.template(place, work) } : {}),
    run: async () => {
      if (!launch && !build && !cache) {
        await layers.glance(place, work);
        return { done: true };
      }
      const earlier = cache ? await layers.recall(scope, fixed) : undefined;
      const decision = earlier === undefined ? 'discard' : await decide(earlier, { spec, env, place }, layers, ctx);
      exact = decision === 'discard';
      const made =
        earlier !== undefined && decision === 'keep'
          ? earlier.layer
          : await layers.template(place, work, decision === 'update' ? earlier?.layer : undefined);
      // What is kept stays known by the facts that it was made with.
      if (cache && decision !== 'keep') await layers.remember(scope, fixed, { layer: made, metadata: spec.metadata });
      return { ...made };
    },
    // What `validate` chose is not what the key stands for: it is asked again each time.
    storable: () => exact,
    settle: (output) => {
      if (!launch && !build && !cache) return [];
      const ref = output as unknown as LayerRef;
      if (build) below.build.push(spec);
      if (launch) return [ref];
      if (build) below.aside.push({ layer: ref, above: image.layers.length });
      else below.kept.push({ name: spec.name, layer: ref });
      return [];
    },
  };
}

/** The image so far, with the layers that are not part of it where they were made. */
function visibleTree(image: TreeRef, { aside }: Below): TreeRef {
  const layers: LayerRef[] = [];
  for (let height = 0; height <= image.layers.length; height++) {
    layers.push(...aside.filter(({ above }) => above === height).map(({ layer }) => layer));
    if (height < image.layers.length) layers.push(image.layers[height]);
  }
  return { layers };
}

/**
 * By convention a layer of type `build` keeps what it brings below /opt and its own name. `SOURCE_DATE_EPOCH` is the time that the
 * layer's files get, not that of the lock: a newer signed root does not remake the layer.
 */
function layerEnvironment(spec: LayerSpec, build: readonly LayerSpec[]): Readonly<Record<string, string>> {
  const given = Object.assign({}, treeEnvironment({ epochSeconds: TEMPLATE_EPOCH }), ...build.map(({ env }) => env)) as Record<
    string,
    string
  >;
  const directories = (kind: string): string[] => build.map(({ name }) => `/opt/${name}/${kind}`).reverse();
  const joined = (variable: string, kind: string): Record<string, string> => {
    const parts = [...directories(kind), ...(given[variable] === undefined ? [] : [given[variable]])];
    return parts.length === 0 ? {} : { [variable]: parts.join(':') };
  };
  return { ...given, ...joined('PATH', 'bin'), ...joined('LD_LIBRARY_PATH', 'lib'), ...spec.env };
}

/** Of a package that is there several times, for each architecture or as kernels are, all versions count. */
function packageVersion(name: string, { packages }: Composition): string | null {
  const versions = packages.flatMap((pkg) => (pkg.name === name ? [pkg.version] : []));
  return versions.length === 0 ? null : [...new Set(versions)].sort().join(' ');
}

/** @param after the layers after it: those that reach the network are told, too, though nobody knows yet whether they are kept. */
function offline({ name, position }: LayerSpec, after: readonly GatheredLayer[]): Error {
  const others = after.filter((layer) => layer.spec.network).map((layer) => layer.spec.name);
  const told = others.length === 0 ? '' : `; so do, after it, those of ${others.map((other) => `"${other}"`).join(', ')}`;
  return coreErrorAt(position, 'ICT_LAYER_OFFLINE', {
    message: `layer "${name}" is not in the cache, and --offline forbids to make it: its commands reach the network${told}`,
    hint: 'Run the same command once without --offline: what it makes is kept.',
    facts: { layer: name, after: others },
  });
}

/** Runs the commands of a layer in their order. @throws, for the first that fails, an error with the layer's name and the command's line. */
async function runAll(
  layer: GatheredLayer,
  env: Readonly<Record<string, string>>,
  tree: TreeSession,
  { input, ctx }: Omit<LayerWork, 'layers'>,
): Promise<void> {
  const { name, network, run, position } = layer.spec;
  for (const [index, command] of run.entries()) {
    try {
      await runCommand(command, { env, network }, tree, ctx);
    } catch (error) {
      const at = input.spec.positions.get(formatPath(['layers', input.layers.indexOf(layer), 'run', index])) ?? position;
      throw namingCommand(error, { of: `layer "${name}"`, position: at, facts: { layer: name } });
    }
  }
}

/** Where a layer of a template is made. */
export interface LayerPlace {
  readonly parent: TreeRef;
  readonly mounts: readonly TreeMount[];
  readonly cacheMounts: LayerSpec['cacheMounts'];
}

type Decision = 'keep' | 'update' | 'discard';

/** A layer that is asked about: its environment, and where it would be made. */
interface AskedLayer {
  readonly spec: LayerSpec;
  readonly env: Readonly<Record<string, string>>;
  readonly place: LayerPlace;
}

/** Asks the template's own command, on top of the earlier layer. Without one, the earlier layer is of no use. */
async function decide(earlier: EarlierLayer, { spec, env, place }: AskedLayer, layers: LayerMaker, ctx: BuildContext): Promise<Decision> {
  const { name, validate, metadata } = spec;
  if (validate === undefined) return 'discard';
  const facts = { ...variables('ICT_EARLIER_', earlier.metadata), ...variables('ICT_WANTED_', metadata) };
  const view = { ...place, parent: { layers: [...place.parent.layers, earlier.layer] } };
  let answer: string;
  try {
    answer = await layers.glance(view, (session) => runCommand(validate, { env: { ...env, ...facts }, network: false }, session, ctx));
  } catch (error) {
    if (!isIctError(error) || error.code !== 'ICT_COMMAND_FAILED') throw error;
    throw undecided(spec, `failed: ${error.message}`, error.facts, error);
  }
  const decision = answer.trim().split('\n').at(-1);
  if (decision !== 'keep' && decision !== 'update' && decision !== 'discard') {
    throw undecided(spec, `printed ${JSON.stringify(decision)}, which is neither keep, update nor discard`, { output: answer.slice(-200) });
  }
  ctx.emit({ type: 'layer.validated', layer: name, decision });
  return decision;
}

/** @param what that `validate` did. */
function undecided({ name, position }: LayerSpec, what: string, facts: IctError['facts'], cause?: IctError): Error {
  return coreErrorAt(position, 'ICT_LAYER_VALIDATE', {
    message: `validate of layer "${name}" ${what}`,
    hint: 'It has to end with status 0, and its last line of output must be keep, update or discard.',
    facts: { ...facts, layer: name },
    cause,
  });
}

/** Metadata as environment variables: `version` becomes `ICT_EARLIER_VERSION`. */
function variables(prefix: string, metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [`${prefix}${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`, value]),
  );
}
