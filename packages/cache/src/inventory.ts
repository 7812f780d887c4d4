import { join, sep } from 'node:path';
import { directoriesIn, lookAtFiles, measure, namesIn, type DirectoryFiles, type SharedFile } from './directory-files.js';
import type { Layout } from './layout.js';
import { PACKAGE_GRAPH, packageId } from './package-index.js';
import { twinId } from './twin-entry.js';
import type { EntryKind, EntryName, Uses } from './usage-journal.js';

/** One thing that the cache keeps. */
export interface CacheEntry {
  readonly kind: EntryKind;
  /** Unique within its kind: `{provider-id}/{file name}` for packages, `twin/` and that for their twins, hex digits for most others. */
  readonly id: string;
  /** What people call it: a package's file name, a step's type. */
  readonly name: string;
  /** For packages and twins: `{os}-{dist}-{arch}`. */
  readonly provider?: string;
  /** The file or directory. */
  readonly path: string;
  /** What it takes on disk. */
  readonly allocatedBytes: number;
  /** What of that has other names, in other entries most likely; absent for most. */
  readonly shared?: readonly SharedFile[];
  /** Seconds since 1970. */
  readonly usedAt: number;
}

export function entryName({ kind, id }: Pick<CacheEntry, 'kind' | 'id'>): EntryName {
  return `${kind} ${id}`;
}

/**
 * Everything of these kinds in the cache. Only directories are read and files looked at, synchronously, because a trip through the thread
 * pool takes ten times as long. A layer costs a look at each of its files.
 *
 * @param used last uses from the journal; an entry that it does not know was last used when it was stored.
 * @param lookAt what lies in a directory of files; default: what it holds now.
 * @returns kind by kind, provider by provider and so on, sorted by name.
 */
export function listEntries(
  layout: Layout,
  used: Uses,
  kinds: readonly EntryKind[],
  lookAt: (directory: string) => DirectoryFiles = lookAtFiles,
): readonly CacheEntry[] {
  const entries: CacheEntry[] = [];
  for (const kind of kinds) {
    const uses = used.get(kind);
    for (const { root, suffix, name, idOf } of filePlaces(layout, kind)) {
      for (const child of directoriesIn(root)) {
        const directory = join(root, child);
        const { names, allocatedBytes, changedAt, shared } = lookAt(directory);
        const prefix = directory + sep;
        for (let at = 0; at < names.length; at++) {
          const file = names[at] as string;
          if (!file.endsWith(suffix) || file.startsWith('.') || (idOf !== undefined && file === PACKAGE_GRAPH)) continue;
          const id = idOf === undefined ? file.slice(0, file.length - suffix.length) : idOf(child, file);
          const usedAt = uses?.get(id) ?? (changedAt[at] as number);
          const path = prefix + file;
          const bytes = allocatedBytes[at] as number;
          // Written out: spreading costs more than all else that happens to an entry here.
          const entry: CacheEntry =
            idOf === undefined
              ? { kind, id, name: name ?? id, path, allocatedBytes: bytes, usedAt }
              : { kind, id, name: file, provider: child, path, allocatedBytes: bytes, usedAt };
          const links = shared?.get(file);
          entries.push(links === undefined ? entry : { ...entry, shared: links });
        }
      }
    }
    const directory = namedPlace(layout, kind);
    if (directory === undefined) continue;
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      const found = name.startsWith('.') ? undefined : measure(path);
      if (found === undefined) continue; // removed meanwhile
      const { allocatedBytes, changedAt, shared } = found;
      const entry = { kind, id: name, name, path, allocatedBytes, usedAt: uses?.get(name) ?? changedAt };
      entries.push(shared === undefined ? entry : { ...entry, shared });
    }
  }
  return entries;
}

/** A directory of directories, in which the files are entries of one kind. */
export interface FilePlace {
  readonly root: string;
  /** What a file's name has after the id. */
  readonly suffix: string;
  /** What all entries are called; default: as their ids. */
  readonly name?: string;
  /** For directories named after providers, whose files keep their names. */
  readonly idOf?: (provider: string, name: string) => string;
}

/** Where entries of a kind lie that are files, and are never written in place. */
export function filePlaces(layout: Layout, kind: EntryKind): readonly FilePlace[] {
  const records = (root: string): readonly FilePlace[] =>
    directoriesIn(root).map((name) => ({ root: join(root, name), suffix: '.json', name }));
  switch (kind) {
    case 'package':
      return [{ root: join(layout.cacheDir, 'pkgCache'), suffix: '', idOf: packageId }];
    case 'twin':
      return [{ root: layout.area('twins'), suffix: '', idOf: twinId }];
    case 'blob':
      return [{ root: join(layout.area('blobs'), 'sha256'), suffix: '' }];
    case 'step':
      return records(join(layout.area('index'), 'steps'));
    case 'memo':
      return records(layout.area('memo'));
    default:
      return [];
  }
}

/** Where entries of a kind lie under their own names, most of them directories. */
function namedPlace(layout: Layout, kind: EntryKind): string | undefined {
  switch (kind) {
    case 'image':
      return join(layout.cacheDir, 'imageCache');
    case 'layer':
      return layout.area('layers');
    case 'metadata':
      return layout.area('fetch');
    case 'mount':
      return layout.area('mounts');
    default:
      return undefined;
  }
}
