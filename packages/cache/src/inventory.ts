import { basename, join, sep } from 'node:path';
import { directoriesIn, lookAtFiles, namesIn, type DirectoryFiles, type SharedFile } from './directory-files.js';
import type { Layout } from './layout.js';
import { PACKAGE_GRAPH, packageId } from './package-entries.js';
import { twinId } from './twin-entry.js';
import type { Unseen } from './unread.js';
import type { EntryKind, EntryName } from './usage-journal.js';
import type { Uses } from './uses.js';

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
 * Entries that are made when they are asked for: of a hundred thousand that are only shown, none is kept, which would take longer than all
 * else about them.
 */
export interface EntryList<Entry extends { readonly kind: string } = CacheEntry> {
  readonly length: number;
  kindAt(index: number): Entry['kind'];
  /** Seconds since 1970. */
  usedAt(index: number): number;
  at(index: number): Entry;
}

type LookAt = (directory: string, unseen: Unseen, wanted?: readonly string[]) => DirectoryFiles;

/** Entries of one kind in one directory. */
interface Shelf extends Partial<Pick<FilePlace, 'name' | 'idOf'>> {
  readonly kind: EntryKind;
  readonly directory: string;
  /** The name of the directory. */
  readonly child: string;
  /** What a file's name has after the id. */
  readonly suffix: string;
  readonly files: DirectoryFiles;
}

/**
 * Everything of these kinds in the cache. Only directories are read and files looked at, synchronously, because a trip through the thread
 * pool takes ten times as long. A layer costs a look at each of its files.
 *
 * @param used last uses from the journal; an entry that it does not know was last used when it was stored.
 * @param unseen is told of directories, and of entries in them, that cannot be looked at: they are left out.
 * @param lookAt what lies in a directory of files, or those of it that have these names; default: what it holds now.
 * @returns kind by kind, provider by provider and so on, sorted by name.
 */
export function entriesIn(
  layout: Layout,
  used: Uses,
  kinds: readonly EntryKind[],
  unseen: Unseen,
  lookAt: LookAt = lookAtFiles,
): EntryList {
  const shelves: Shelf[] = [];
  // For each entry: its shelf, its row there, and its last use.
  const shelfOf: number[] = [];
  const rowOf: number[] = [];
  const usedAt: number[] = [];
  for (const kind of kinds) {
    const uses = used.get(kind);
    for (const shelf of shelvesOf(layout, kind, unseen, lookAt)) {
      const { names, changedAt } = shelf.files;
      for (let row = 0; row < names.length; row++) {
        const file = names.at(row) as string;
        if (!file.endsWith(shelf.suffix) || file.startsWith('.') || (shelf.idOf !== undefined && file === PACKAGE_GRAPH)) continue;
        shelfOf.push(shelves.length);
        rowOf.push(row);
        usedAt.push(uses?.get(idOn(shelf, file)) ?? (changedAt[row] as number));
      }
      shelves.push(shelf);
    }
  }
  const shelfAt = (index: number): Shelf => shelves[shelfOf[index] as number] as Shelf;
  return {
    length: rowOf.length,
    kindAt: (index) => shelfAt(index).kind,
    usedAt: (index) => usedAt[index] as number,
    at: (index) => entryOn(shelfAt(index), rowOf[index] as number, usedAt[index] as number),
  };
}

/** The entries of a list, one after the other. */
export function* eachEntry<Entry extends { readonly kind: string }>(list: EntryList<Entry>): Generator<Entry, void, undefined> {
  for (let index = 0; index < list.length; index++) yield list.at(index);
}

/** As {@link entriesIn}, all of them made. */
export function listEntries(layout: Layout, used: Uses, kinds: readonly EntryKind[], unseen: Unseen): readonly CacheEntry[] {
  return Array.from(eachEntry(entriesIn(layout, used, kinds, unseen)));
}

function* shelvesOf(layout: Layout, kind: EntryKind, unseen: Unseen, lookAt: LookAt): Generator<Shelf, void, undefined> {
  for (const { root, ...place } of filePlaces(layout, kind, unseen)) {
    for (const child of directoriesIn(root, unseen)) {
      const directory = join(root, child);
      yield { ...place, kind, directory, child, files: lookAt(directory, unseen) };
    }
  }
  const directory = namedPlace(layout, kind);
  if (directory === undefined) return;
  const names = namesIn(directory, unseen).filter((name) => !name.startsWith('.'));
  yield { kind, directory, child: basename(directory), suffix: '', files: lookAt(directory, unseen, names) };
}

function idOn({ idOf, child, suffix }: Shelf, file: string): string {
  return idOf === undefined ? file.slice(0, file.length - suffix.length) : idOf(child, file);
}

function entryOn(shelf: Shelf, row: number, usedAt: number): CacheEntry {
  const { kind, directory, child, files } = shelf;
  const file = files.names.at(row) as string;
  const id = idOn(shelf, file);
  const path = directory + sep + file;
  const allocatedBytes = files.allocatedBytes[row] as number;
  const shared = files.shared?.get(file);
  // Written out: spreading costs more than all else that happens to an entry here.
  const entry: CacheEntry =
    shelf.idOf === undefined
      ? { kind, id, name: shelf.name ?? id, path, allocatedBytes, usedAt }
      : { kind, id, name: file, provider: child, path, allocatedBytes, usedAt };
  return shared === undefined ? entry : { ...entry, shared };
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

/**
 * Where entries of a kind lie that are files, and are never written in place.
 *
 * @param unseen is told of directories that cannot be looked at.
 */
export function filePlaces(layout: Layout, kind: EntryKind, unseen: Unseen): readonly FilePlace[] {
  const records = (root: string): readonly FilePlace[] =>
    directoriesIn(root, unseen).map((name) => ({ root: join(root, name), suffix: '.json', name }));
  switch (kind) {
    case 'package':
      return [{ root: join(layout.cacheDir, 'pkgCache'), suffix: '', idOf: packageId }];
    case 'twin':
      return [{ root: layout.area('twins'), suffix: '', idOf: twinId }];
    case 'blob':
      return [{ root: join(layout.area('blobs'), 'sha256'), suffix: '' }];
    case 'step':
    case 'memo':
      return records(recordArea(layout, kind));
    default:
      return [];
  }
}

function recordArea(layout: Layout, kind: 'step' | 'memo'): string {
  return kind === 'memo' ? layout.area('memo') : join(layout.area('index'), 'steps');
}

/** Directories in which entries of a kind are looked for, those before others that lie in them. Any may be absent, or not be readable. */
export function entryDirectories(layout: Layout, kind: EntryKind): readonly string[] {
  const unseen: Unseen = () => undefined; // it is one of these
  const top = kind === 'step' || kind === 'memo' ? recordArea(layout, kind) : namedPlace(layout, kind);
  const places = filePlaces(layout, kind, unseen).flatMap(({ root }) => [
    root,
    ...directoriesIn(root, unseen).map((child) => join(root, child)),
  ]);
  return top === undefined ? places : [top, ...places];
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
