import { join } from 'node:path';
import { digestOf, readRegularFile } from '@ict/integrity';
import type { BuildContext, InitrdScope, Json, LayerRef, TreePath, TreeRef, TreeSession } from '@ict/plugin-api';
import { changedPaths, layerDigest, type LayerEntry } from '@ict/sandbox';
import type { LayerSource } from './composition.js';
import type { StoredLayer } from '../trees/layer-shelf.js';
import { layerDigests, type StepSibling } from '../steps.js';

/** What the text of an initrd's maker names. */
export interface MakerWords {
  /** Absolute paths, without a slash at their end. */
  readonly paths: readonly string[];
  /** Names of files, and shell patterns of names. */
  readonly names: readonly string[];
}

const KIND = 'initrd-maker';

/** A pattern that is mostly a wildcard names everything and so nothing. */
const LEAST_LITERAL = 3;

/** Notes, for later trees, what the maker that just worked in this tree names. */
export async function rememberMaker(scope: InitrdScope, below: TreeRef, tree: TreeSession, ctx: BuildContext): Promise<void> {
  const texts = await Promise.all(scope.maker.map((path) => readTexts(path, tree)));
  await ctx.memo.set(KIND, layerDigests(below), { ...makerWords(texts.flat().join('\n')) });
}

async function readTexts(path: TreePath, tree: TreeSession): Promise<readonly string[]> {
  const entry = await tree.stat(path);
  if (entry?.type === 'directory') {
    return (await Promise.all((await tree.list(path)).map((child) => readTexts(child.path, tree)))).flat();
  }
  return entry?.type === 'file' ? [new TextDecoder().decode(await tree.read(path))] : [];
}

/** The paths and names in a text; lines that are comments name nothing. */
export function makerWords(text: string): MakerWords {
  const code = text.replace(/^\s*#.*$/gm, '');
  const paths = code.match(/\/[\w.+/-]*/g) ?? [];
  const names = code.match(/[\w.+*?[\]-]+/g) ?? [];
  return {
    paths: [...new Set(paths.map((path) => path.replace(/(?<=.)\/+$/, '')))].sort(),
    names: [...new Set(names)].filter((name) => !/[*?[]/.test(name) || name.replace(/[*?[\]]/g, '').length >= LEAST_LITERAL).sort(),
  };
}

/**
 * The layer with the initrds of another tree, when nothing that differs between the trees reaches an initrd.
 *
 * @param siblings results of the same step, by the same code.
 */
export async function keptInitrd(
  scope: InitrdScope,
  below: TreeRef,
  siblings: AsyncIterable<StepSibling>,
  layers: Pick<LayerSource, 'has' | 'stored'>,
  ctx: BuildContext,
): Promise<LayerRef | undefined> {
  for await (const { key, output, differences } of siblings) {
    const initrd = output as unknown as LayerRef;
    const others = key['below'] as readonly string[];
    if (differences.some((path) => !/^below[.[]/.test(path)) || others.length !== below.layers.length) continue;
    const words = (await ctx.memo.get(KIND, others)) as MakerWords | undefined;
    if (words === undefined || !(await layers.has(initrd))) continue;
    const reason = await shapingDifference(scope, words, others, below, initrd, layers);
    if (reason !== undefined) {
      ctx.emit({ type: 'command.output', stream: 'stdout', text: `the initrd is made anew: ${reason}` });
      continue;
    }
    await ctx.memo.set(KIND, layerDigests(below), words as unknown as Json);
    ctx.emit({ type: 'image.progress', artifact: 'initrd', action: 'keep' });
    return initrd;
  }
  return undefined;
}

/** What differs between two trees and may reach an initrd, in words. Layers are compared one by one: each must be whole. */
async function shapingDifference(
  scope: InitrdScope,
  words: MakerWords,
  others: readonly string[],
  below: TreeRef,
  initrd: LayerRef,
  layers: Pick<LayerSource, 'stored'>,
): Promise<string | undefined> {
  const made = (await layers.stored(initrd))?.manifest.entries ?? [];
  const touched = new Set(made.map(({ path }) => path));
  const lower = new Set<string>();
  for (const [index, layer] of below.layers.entries()) {
    const after = await layers.stored(layer);
    if (after === undefined) return 'a layer below it is gone';
    if (layer.digest !== others[index]) {
      const before = await layers.stored({ digest: others[index] as LayerRef['digest'] });
      if (before === undefined || layerDigest(before.manifest.entries) !== others[index])
        return 'a layer below the earlier one is gone or damaged';
      const reason = await shapingChange(scope, words, { before, after, lower, touched });
      if (reason !== undefined) return reason;
    }
    for (const { path } of after.manifest.entries) lower.add(path);
  }
  return undefined;
}

type ComparedLayer = Pick<StoredLayer, 'directory' | 'manifest'>;

/** Two layers at the same place of a tree. */
export interface ComparedLayers {
  readonly before: ComparedLayer;
  readonly after: ComparedLayer;
  /** Paths of the layers below: what a layer covers is no new file. */
  readonly lower: ReadonlySet<string>;
  /** Paths of the layer that holds the initrds: its directories repeat the attributes of those below. */
  readonly touched: ReadonlySet<string>;
}

/** Why what differs between two layers may reach an initrd, in words; undefined when it does not. */
export async function shapingChange(scope: InitrdScope, words: MakerWords, layers: ComparedLayers): Promise<string | undefined> {
  const { before, after, touched } = layers;
  const had = byPath(before);
  const has = byPath(after);
  const directories: string[] = [];
  const harmless = new Set<string>();
  for (const path of changedPaths(before.manifest.entries, after.manifest.entries)) {
    const [old, now] = [had.get(path), has.get(path)];
    if (touched.has(path)) return `${path} changed, which the layer of the initrd repeats`;
    if (isDirectory(old) && isDirectory(now)) {
      directories.push(path);
      continue;
    }
    const reason = await reachesInitrd(scope, words, { path, old, now }, layers);
    if (reason !== undefined) return reason;
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) harmless.add(path.slice(0, end));
  }
  const odd = directories.find((path) => !harmless.has(path) && !scope.unread.some((glob) => pattern(glob).test(path)));
  return odd === undefined ? undefined : `${odd} changed`;
}

interface ChangedEntry {
  readonly path: string;
  readonly old: LayerEntry | undefined;
  readonly now: LayerEntry | undefined;
}

async function reachesInitrd(
  { unread, readByName, uuidsApart }: InitrdScope,
  words: MakerWords,
  { path, old, now }: ChangedEntry,
  { before, after, lower }: ComparedLayers,
): Promise<string | undefined> {
  const place = unread.find((glob) => pattern(glob).test(path));
  if (place !== undefined) {
    const named = words.paths.find((word) => isBelow(path, word) && isBelow(word, literalPart(place)));
    return named === undefined ? undefined : `${path} changed, and its maker names ${named}`;
  }
  const byName = readByName.find((glob) => pattern(glob).test(path));
  if (byName !== undefined && old === undefined && now !== undefined && now.whiteout !== true && !lower.has(path)) {
    // What `**` stands for, or else the name alone: without it the index is -1.
    const parts = path.split('/').slice(byName.split('/').indexOf('**'));
    const named = parts.find((part) => words.names.some((word) => word === part || (/[*?[]/.test(word) && pattern(word).test(part))));
    return named === undefined ? undefined : `${path} is new, and its maker names ${named}`;
  }
  if (uuidsApart.includes(path) && old?.type === 'file' && now?.type === 'file') {
    const [was, is] = [await textOf(before, old), await textOf(after, now)];
    if (was !== undefined && is !== undefined && withoutUuids(was) === withoutUuids(is)) return undefined;
  }
  return `${path} changed`;
}

function byPath({ manifest }: ComparedLayer): ReadonlyMap<string, LayerEntry> {
  return new Map(manifest.entries.map((entry) => [entry.path, entry]));
}

/** A directory that hides nothing, or nothing at all. */
function isDirectory(entry: LayerEntry | undefined): boolean {
  return entry === undefined || (entry.type === 'directory' && entry.opaque !== true);
}

const patterns = new Map<string, RegExp>();

/** `*` and `?` stop at a slash, `**` does not; `[...]` is as in a regular expression. */
function pattern(glob: string): RegExp {
  let known = patterns.get(glob);
  if (known === undefined) {
    const wild: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
    const body = glob.replace(/\*\*|\[[^\][/]+\]|[^\w/]/g, (part) => wild[part] ?? (part.length > 1 ? part : `\\${part}`));
    patterns.set(glob, (known = new RegExp(`^${body}$`)));
  }
  return known;
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** The parts of a glob before the first with a wildcard. */
function literalPart(glob: string): string {
  const parts = glob.split('/');
  const wild = parts.findIndex((part) => /[*?[]/.test(part));
  return parts.slice(0, wild === -1 ? undefined : wild).join('/');
}

/** @returns undefined when the file is not what the manifest says. */
async function textOf({ directory }: ComparedLayer, { path, digest }: LayerEntry): Promise<string | undefined> {
  const bytes = await readRegularFile(join(directory, path)).catch(() => undefined); // a layer of an ordinary user may hold files that the user cannot read
  return bytes !== undefined && digestOf(bytes) === digest ? bytes.toString() : undefined;
}

function withoutUuids(text: string): string {
  return text.replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|\b[\da-f]{4}-[\da-f]{4}\b/gi, 'UUID');
}
