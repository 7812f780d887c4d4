import { lstatSync, readdirSync, type Dirent, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { errnoOf } from '@ict/integrity';
import type { Layout } from './layout.js';
import { PACKAGE_GRAPH, packageId } from './package-index.js';
import { twinId } from './twin-entry.js';
import type { EntryKind, EntryName, UsageJournal } from './usage-journal.js';

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
  /** Seconds since 1970. */
  readonly usedAt: number;
}

export function entryName({ kind, id }: Pick<CacheEntry, 'kind' | 'id'>): EntryName {
  return `${kind} ${id}`;
}

/**
 * Everything of these kinds in the cache, in no particular order. Only directories are read and files looked at: a hundred thousand
 * entries take less than a second, which is why this reads synchronously. A layer costs a look at each of its files.
 *
 * @param used last uses from the journal; an entry that it does not know was last used when it was stored.
 */
export function listEntries(
  layout: Layout,
  used: Awaited<ReturnType<UsageJournal['read']>>,
  kinds: readonly EntryKind[],
): readonly CacheEntry[] {
  const entries: CacheEntry[] = [];
  for (const kind of kinds) {
    visitPlaces(layout, kind, (id, name, path, provider) => {
      const found = measure(path);
      if (found === undefined) return; // removed meanwhile
      const usedAt = used.get(entryName({ kind, id })) ?? Math.floor(found.changedMs / 1000);
      const { allocatedBytes } = found;
      // Written out: spreading costs more than all else that happens to an entry here.
      entries.push(
        provider === undefined
          ? { kind, id, name, path, allocatedBytes, usedAt }
          : { kind, id, name, provider, path, allocatedBytes, usedAt },
      );
    });
  }
  return entries;
}

/** Is told of one place where an entry lies. */
type Visit = (id: string, name: string, path: string, provider?: string) => void;

function visitPlaces(layout: Layout, kind: EntryKind, visit: Visit): void {
  const packages = join(layout.cacheDir, 'pkgCache');
  const steps = join(layout.area('index'), 'steps');
  switch (kind) {
    case 'package':
      return visitProviders(packages, packageId, visit);
    case 'twin':
      return visitProviders(layout.area('twins'), twinId, visit);
    case 'image':
      return visitNamed(join(layout.cacheDir, 'imageCache'), visit);
    case 'layer':
      return visitNamed(layout.area('layers'), visit);
    case 'metadata':
      return visitNamed(layout.area('fetch'), visit);
    case 'mount':
      return visitNamed(layout.area('mounts'), visit);
    case 'blob':
      return visitSharded(join(layout.area('blobs'), 'sha256'), '', undefined, visit);
    case 'step':
      for (const name of directories(steps)) visitSharded(join(steps, name), '.json', name, visit);
      return;
    case 'memo':
      for (const name of directories(layout.area('memo'))) visitSharded(join(layout.area('memo'), name), '.json', name, visit);
  }
}

/** Files of `root/{provider-id}/`. */
function visitProviders(root: string, idOf: (provider: string, name: string) => string, visit: Visit): void {
  for (const provider of directories(root)) {
    const directory = join(root, provider);
    for (const name of names(directory)) {
      if (name === PACKAGE_GRAPH || name.startsWith('.')) continue;
      visit(idOf(provider, name), name, directory + sep + name, provider);
    }
  }
}

/** What lies directly in a directory, under its own name. */
function visitNamed(directory: string, visit: Visit): void {
  for (const name of names(directory)) if (!name.startsWith('.')) visit(name, name, directory + sep + name);
}

/** Files of `directory/ab/*`, with their names less `suffix` as ids. */
function visitSharded(directory: string, suffix: string, name: string | undefined, visit: Visit): void {
  for (const shard of directories(directory)) {
    const place = join(directory, shard) + sep;
    for (const file of names(place)) {
      if (!file.endsWith(suffix) || file.startsWith('.')) continue;
      const id = file.slice(0, file.length - suffix.length);
      visit(id, name ?? id, place + file);
    }
  }
}

function directories(path: string): readonly string[] {
  return list(path)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function list(path: string): readonly Dirent[] {
  return unlessAbsent(() => readdirSync(path, { withFileTypes: true })) ?? [];
}

function names(path: string): readonly string[] {
  return unlessAbsent(() => readdirSync(path)) ?? [];
}

/** What a directory takes on disk with all that is in it and may be looked at. */
export function measureDirectory(path: string): number {
  return measure(path)?.allocatedBytes ?? 0;
}

/** What a file or a directory with all below it takes, and when it last changed; undefined when it is gone. */
function measure(path: string): { readonly allocatedBytes: number; readonly changedMs: number } | undefined {
  const top = look(path);
  if (top === undefined) return undefined;
  let allocatedBytes = top.blocks * 512;
  if (!top.isDirectory()) return { allocatedBytes, changedMs: top.ctimeMs };
  const pending = [path];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of list(directory)) {
      const child = join(directory, entry.name);
      allocatedBytes += (look(child)?.blocks ?? 0) * 512;
      if (entry.isDirectory()) pending.push(child);
    }
  }
  return { allocatedBytes, changedMs: top.ctimeMs };
}

function look(path: string): Stats | undefined {
  return unlessAbsent(() => lstatSync(path, { throwIfNoEntry: false }));
}

/** Undefined for what is gone, or may not be looked at. */
function unlessAbsent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
