import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSpec, ImageSpec, LayerSpec, ProblemReport, SourcePosition } from '@ict/plugin-api';
import { formatPath, type LoadedTemplate, type Path } from '@ict/template';

/** What of a template decides about its layers, with the lines that it stands in. */
type Linted = Pick<LoadedTemplate, 'merged' | 'variables' | 'files'>;

/** Files above this are worth a layer of their own. */
const LARGE_BYTES = 1024 ** 2;

/**
 * How often what a layer is made from changes, as far as a template shows it: with every build, because a variable that the caller sets
 * stands in it; whenever someone works on its inputs; or never by itself.
 */
type Volatility = 'each build' | 'its inputs' | 'nothing';
const RANK: Readonly<Record<Volatility, number>> = { 'each build': 2, 'its inputs': 1, nothing: 0 };

/**
 * What makes a template's layers be made anew more often than they need to be: something volatile below something stable. Errors are
 * certain; warnings depend on what the commands do.
 */
export async function lintCache(spec: ImageSpec, loaded: Linted): Promise<readonly ProblemReport[]> {
  return [
    ...(await lintConfiguration(spec, loaded)),
    ...spec.layers.flatMap((layer, index) => lintOrder(layer, index, spec.layers, loaded)),
    ...(await Promise.all(spec.layers.map((layer, index) => lintInputs(layer, index, loaded)))).flat(),
    ...spec.layers.flatMap((layer, index) => lintNetwork(layer, index, loaded)),
  ];
}

/** A layer over one that changes more often. */
function lintOrder(layer: LayerSpec, index: number, layers: readonly LayerSpec[], loaded: Linted): ProblemReport[] {
  if (isCheck(layer)) return []; // what looks at the others comes after them
  const own = volatility(layer, index, loaded);
  const below = layers.slice(0, index).map((lower, at) => ({ lower, at, changes: volatility(lower, at, loaded) }));
  const [first] = below.filter(({ lower, changes }) => !isCheck(lower) && RANK[changes] > RANK[own]).sort((a, b) => rank(b) - rank(a));
  if (first === undefined) return [];
  const { lower, at, changes } = first;
  const each = changes === 'each build';
  const why = each ? `a variable of the caller stands in` : `files of this machine are inputs of`;
  return [
    report('ICT_LINT_ORDER', each ? 'error' : 'warning', ['layers', index], loaded, {
      message: `layer "${layer.name}" is made anew whenever "${lower.name}" below it changes, though ${own === 'nothing' ? 'nothing of its own' : 'its own input'} did; ${why} layers[${at}]`,
      hint: `Move "${layer.name}" before "${lower.name}", unless it needs what that makes.`,
    }),
  ];
}

function rank({ changes }: { readonly changes: Volatility }): number {
  return RANK[changes];
}

/** Commands that are run on a view that is thrown away; nothing lies over them. */
function isCheck({ types }: LayerSpec): boolean {
  return !types.launch && !types.build && !types.cache;
}

function volatility(layer: LayerSpec, index: number, loaded: Linted): Volatility {
  if (['env', 'metadata', 'invalidateOn'].some((key) => namesCallersVariable(['layers', index, key], loaded))) return 'each build';
  return layer.inputs.length + layer.files.length > 0 ? 'its inputs' : 'nothing';
}

/** Whether a value is written with a variable that command line or environment set. Its default is part of the template. */
function namesCallersVariable(path: Path, { merged, variables }: Linted): boolean {
  const origin = merged?.origins.get(formatPath(path)); // not of what holds it: commands have a language of their own
  const text = origin?.layer.positions?.sourceOf(origin.path) ?? '';
  return [...variables.values()].some(({ name, source }) => source !== 'default' && new RegExp(`(?<!\\$)\\$\\{${name}\\}`).test(text));
}

/** Inputs that hold what changes without anybody working on them. */
async function lintInputs({ name, inputs }: LayerSpec, index: number, loaded: Linted): Promise<ProblemReport[]> {
  const found: ProblemReport[] = [];
  for (const [at, { source }] of inputs.entries()) {
    const template = loaded.files.find((file) => file === source || file.startsWith(`${source}/`));
    const history = (await lookAt(join(source, '.git'))) === undefined ? undefined : '.git';
    const held = history ?? (template === undefined ? undefined : 'the template itself');
    if (held === undefined) continue;
    found.push(
      report('ICT_LINT_INPUT', 'error', ['layers', index, 'inputs', at], loaded, {
        message: `the input ${source} of layer "${name}" holds ${held}: the layer is made anew with every ${history === undefined ? 'change of the template' : 'commit'}`,
        hint: 'Name only the files and directories that the commands read.',
      }),
    );
  }
  return found;
}

/** Commands that read the network, with nothing that says when to read it again. */
function lintNetwork(layer: LayerSpec, index: number, loaded: Linted): ProblemReport[] {
  const { name, network, metadata, invalidateOn, inputs, validate } = layer;
  const bound = Object.keys(metadata).length + Object.keys(invalidateOn.values).length + invalidateOn.packages.length + inputs.length > 0;
  if (!network || bound || validate !== undefined) return [];
  return [
    report('ICT_LINT_NETWORK', 'warning', ['layers', index], loaded, {
      message: `layer "${name}" reads the network, and nothing in its key says what: once made, it stays as it is`,
      hint: 'Put the version of what it fetches into "metadata" or "invalidateOn.values".',
    }),
  ];
}

/** Of what lies below all layers: large files, and what changes with every build. */
async function lintConfiguration({ layers, system }: ImageSpec, loaded: Linted): Promise<ProblemReport[]> {
  const [first] = layers.filter((layer) => !isCheck(layer));
  if (first === undefined) return [];
  const count = layers.length === 1 ? `layer "${first.name}"` : `${layers.length} layers`;
  const hint = 'Copy it in a layer after those that do not need it: under "files" of an entry of "layers".';
  const found: ProblemReport[] = [];
  for (const [index, file] of system.files.entries()) {
    const path = ['systemConfig', 'additionalFiles', index];
    const sizeBytes = await sizeOf(file);
    if (namesCallersVariable(path, loaded)) {
      const message = `${file.target} is named by a variable of the caller and lies below ${count}: a new value makes them anew`;
      found.push(report('ICT_LINT_CONFIGURATION', 'error', path, loaded, { message, hint }));
    } else if (sizeBytes > LARGE_BYTES) {
      const message = `${file.target} (${Math.round(sizeBytes / LARGE_BYTES)} MiB) lies below ${count}: each change of it makes them anew`;
      found.push(report('ICT_LINT_CONFIGURATION', 'warning', path, loaded, { message, hint }));
    }
  }
  return found;
}

/** Missing files are another command's business. */
async function sizeOf({ source }: FileSpec): Promise<number> {
  return (await lookAt(source))?.size ?? 0;
}

async function lookAt(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

type LintCode = 'ICT_LINT_ORDER' | 'ICT_LINT_INPUT' | 'ICT_LINT_NETWORK' | 'ICT_LINT_CONFIGURATION';

function report(
  code: LintCode,
  severity: ProblemReport['severity'],
  path: Path,
  { merged }: Linted,
  words: { readonly message: string; readonly hint: string },
): ProblemReport {
  const origin = merged?.originOf(path);
  const position: SourcePosition | undefined = origin?.layer.positions?.positionOf(origin.path);
  const place = position === undefined ? {} : { position, snippet: origin?.layer.positions?.snippet(position) ?? '' };
  return { code, severity, ...words, ...place };
}
