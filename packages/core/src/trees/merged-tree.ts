import type { TreeRecord } from '@ict/plugin-api';
import { comparePaths, type LayerEntry, type LayerManifest } from '@ict/sandbox';

/** An entry of layers laid over each other. */
export interface MergedEntry {
  readonly record: TreeRecord;
  /** Index of the layer that the entry is from; the lowest is 0. */
  readonly layer: number;
}

interface Node {
  /** Undefined for a directory of which no layer says anything. */
  entry?: LayerEntry;
  layer: number;
  readonly children: Map<string, Node>;
}

/**
 * What an overlay of these layers shows: directories before what is in them, names in the order of their bytes. Names of one file are
 * hard links of the first of them that is left. A tree without layers is empty.
 *
 * @param layers manifests, lowest first.
 * @see Documentation/filesystems/overlayfs.rst of the kernel
 */
export function mergeLayers(layers: readonly Pick<LayerManifest, 'entries'>[]): readonly MergedEntry[] {
  const root: Node = { layer: 0, children: new Map() };
  layers.forEach(({ entries }, layer) => {
    for (const entry of entries) lay(root, entry, layer);
  });
  const names = linkedNames(layers);
  const merged: MergedEntry[] = [];
  const firstNames = new Map<LayerEntry, string>();
  const visit = (path: string, { entry, layer, children }: Node): void => {
    if (entry !== undefined) {
      const file = names[layer]?.get(entry.hardlinkOf ?? path);
      merged.push({ record: file === undefined ? recordOf(entry) : nameOf(file, entry, firstNames), layer });
    }
    for (const name of [...children.keys()].sort(comparePaths)) {
      visit(path === '/' ? `/${name}` : `${path}/${name}`, children.get(name) as Node);
    }
  };
  visit('/', root);
  return merged;
}

/** Puts an entry where it belongs, over what lower layers have there. */
function lay(root: Node, entry: LayerEntry, layer: number): void {
  const parts = entry.path.split('/').filter(Boolean);
  const name = parts.pop();
  if (name === undefined) {
    root.entry = entry;
    root.layer = layer;
    return;
  }
  let parent = root;
  for (const part of parts) {
    const next = parent.children.get(part) ?? { layer, children: new Map<string, Node>() };
    parent.children.set(part, next);
    parent = next;
  }
  if (entry.whiteout === true) {
    parent.children.delete(name);
    return;
  }
  const below = parent.children.get(name);
  const merges = entry.type === 'directory' && entry.opaque !== true && (below?.entry === undefined || below.entry.type === 'directory');
  parent.children.set(name, { entry, layer, children: merges ? (below?.children ?? new Map<string, Node>()) : new Map<string, Node>() });
}

/** Of each layer: the entries that have several names, by the path of the first of these. */
function linkedNames(layers: readonly Pick<LayerManifest, 'entries'>[]): readonly ReadonlyMap<string, LayerEntry>[] {
  return layers.map(({ entries }) => {
    const linked = new Set(entries.flatMap(({ hardlinkOf }) => (hardlinkOf === undefined ? [] : [hardlinkOf])));
    return new Map(entries.filter(({ path }) => linked.has(path)).map((entry) => [entry.path, entry]));
  });
}

/** One of several names of a file: the first that is left tells everything, the others name it. */
function nameOf(file: LayerEntry, { path }: LayerEntry, firstNames: Map<LayerEntry, string>): TreeRecord {
  const first = firstNames.get(file);
  if (first === undefined) {
    firstNames.set(file, path);
    return { ...recordOf(file), path };
  }
  const { type, mode, uid, gid, mtimeSeconds } = file;
  return { path, type, mode, uid, gid, mtimeSeconds, hardlinkOf: first };
}

/** Without what only layers have. */
function recordOf(entry: LayerEntry): TreeRecord {
  if (entry.opaque === undefined) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([member]) => member !== 'opaque')) as unknown as TreeRecord;
}
