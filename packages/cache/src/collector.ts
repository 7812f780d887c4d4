import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, isRefusal } from '@ict/integrity';
import type { BlobRef, Json, LayerRef } from '@ict/plugin-api';
import { entryName, listEntries, type CacheEntry } from './inventory.js';
import { createRelease, occupiedBytes, releasedBytes } from './disk-room.js';
import type { Layout } from './layout.js';
import type { Locks } from './lease.js';
import { packageId, type PackageIndex } from './package-index.js';
import type { ReadOnlyCaches } from './read-only-caches.js';
import { removeFile } from './reaper.js';
import { removeRecord } from './record-file.js';
import { taggedReferences } from './tagged-references.js';
import { twinRecord } from './twin-entry.js';
import { entryKinds, type EntryKind, type EntryName, type UsageJournal } from './usage-journal.js';

/** How much the cache may hold. What is absent does not bound. */
export interface CacheLimits {
  /** Packages unused for this many days go, and their twins. */
  readonly packageDays?: number;
  /** Of packages and twins: beyond this, first the twins and then the packages that were unused longest go, until nine tenths of it are left. */
  readonly packageBytes?: number;
  /** The images that were used last stay. */
  readonly imageCount?: number;
  /** Anything unused for this many days goes. */
  readonly unusedDays?: number;
  /** Beyond this, whatever was unused longest goes, until nine tenths of it are left. */
  readonly totalBytes?: number;
  /** Whatever was unused longest goes until the file system has this much room. */
  readonly freeBytes?: number;
}

export interface CollectOptions {
  /** Say what would go, and remove nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** An entry that a collection removed, or would remove, and why. */
export interface CollectedEntry extends CacheEntry {
  readonly reason: string;
}

export interface Collection {
  readonly removed: readonly CollectedEntry[];
  /** What the disk gets back: nothing of what stays under another name, as the disk of an image may. */
  readonly freedBytes: number;
  /** Entries that had to stay because a running build uses them, or another user, root for one, keeps them. */
  readonly pinned: number;
}

/** Chooses entries to remove by name rather than by age. */
export type EntryFilter = (entry: CacheEntry) => boolean;

export interface Collector {
  /** What lies in the cache; default: of every kind. */
  entries(kinds?: readonly EntryKind[]): Promise<readonly CacheEntry[]>;
  /** Removes what goes beyond `limits`, and layers and files that no kept result refers to. Never what a running build uses. */
  collect(limits: CacheLimits, options?: CollectOptions): Promise<Collection>;
  /** Removes what `wanted` chooses. Never what a running build uses. */
  clean(wanted: EntryFilter, options?: CollectOptions): Promise<Collection>;
}

const DAY_SECONDS = 86_400;
/** A layer or file this young may belong to a result that is being recorded. */
const YOUNG_SECONDS = 3600;
/** What is kept for its own use; layers and blobs live as long as a result that refers to them. */
const OWN_LIFE: readonly EntryKind[] = ['package', 'twin', 'image', 'step', 'memo', 'metadata', 'mount'];
/** What a limit is undershot by, so that not every build collects. */
const LOW_WATER = 0.9;

interface CollectorParts {
  readonly layout: Layout;
  readonly clock: () => number;
  readonly journal: UsageJournal;
  readonly packages: PackageIndex;
  readonly locks: Locks;
  /** Their packages may have twins here. */
  readonly readOnly: Pick<ReadOnlyCaches, 'directories'>;
}

export function createCollector({ layout, clock, journal, packages, locks, readOnly }: CollectorParts): Collector {
  const entries = async (kinds: readonly EntryKind[] = entryKinds): Promise<readonly CacheEntry[]> =>
    listEntries(layout, await journal.read(), kinds);

  /** Moves entries to the trash. What a build began to use meanwhile is put back. */
  async function remove(chosen: readonly CollectedEntry[], options: CollectOptions): Promise<Collection> {
    const before = await journal.pinned();
    const free = before.size === 0 ? chosen : chosen.filter((entry) => !before.has(entryName(entry)));
    if (options.dryRun === true) return collection(free, chosen.length);
    const moved: { readonly entry: CollectedEntry; readonly trash: string }[] = [];
    const gone: CollectedEntry[] = [];
    for (const entry of free) {
      options.signal?.throwIfAborted();
      if (entry.kind === 'memo') {
        // Nobody notes the use of one, and whoever reads it has it whole or not at all.
        if (unlessRefused(() => removeFile(entry.path)) === true) gone.push(entry);
        continue;
      }
      const trash = await layout.setAside(entry.path).catch(refused);
      if (trash !== undefined) moved.push({ entry, trash });
    }
    const after = await journal.pinned();
    for (const { entry, trash } of moved) {
      if (!after.has(entryName(entry)) || !(await layout.putBack(trash, entry.path))) gone.push(entry);
    }
    for (const { kind, provider, name } of gone)
      if (kind === 'twin') await removeRecord(twinRecord(layout, provider as string, name)).catch(refused);
    await packages.forget(gone.filter(({ kind }) => kind === 'package').map(({ id }) => id)).catch(refused);
    return collection(gone, chosen.length);
  }

  async function choose(limits: CacheLimits): Promise<{ readonly chosen: readonly CollectedEntry[]; readonly all: readonly CacheEntry[] }> {
    // Packages with their twins and images have limits of their own, and are quick to look at: what every build does.
    const whole = limits.unusedDays !== undefined || limits.totalBytes !== undefined || limits.freeBytes !== undefined;
    const all = await entries(whole ? entryKinds : ['package', 'twin', 'image']);
    const now = clock();
    const reasons = new Map<CacheEntry, string>();
    const take = (entry: CacheEntry, reason: string): void => {
      if (!reasons.has(entry)) reasons.set(entry, reason);
    };
    const kept = (...kinds: readonly EntryKind[]): CacheEntry[] => all.filter((entry) => kinds.includes(entry.kind) && !reasons.has(entry));
    // Twins before all else: they are made of what stays.
    const unusedFirst = (...kinds: readonly EntryKind[]): CacheEntry[] =>
      kept(...kinds).sort((a, b) => Number(b.kind === 'twin') - Number(a.kind === 'twin') || a.usedAt - b.usedAt);
    const older = (found: readonly CacheEntry[], days: number | undefined): void => {
      if (days === undefined) return;
      for (const entry of found) if (now - entry.usedAt > days * DAY_SECONDS) take(entry, `unused for more than ${days} days`);
    };
    older(kept('package', 'twin'), limits.packageDays);
    older(kept(...OWN_LIFE), limits.unusedDays);
    if (limits.packageBytes !== undefined) shrink(unusedFirst('package', 'twin'), limits.packageBytes, take);
    if (limits.imageCount !== undefined) {
      const images = unusedFirst('image');
      for (const image of images.slice(0, Math.max(0, images.length - limits.imageCount))) {
        take(image, `more than ${limits.imageCount} images`);
      }
    }
    const packaged = new Set(kept('package').map(({ id }) => id));
    for (const twin of kept('twin')) {
      const { provider, name } = twin as CacheEntry & { provider: string };
      if (packaged.has(packageId(provider, name))) continue;
      const borrowed = readOnly.directories.some((place) => existsSync(join(place.packages(provider), name)));
      if (!borrowed) take(twin, 'its package is gone');
    }
    const references = createReferences();
    const isOld = ({ usedAt }: CacheEntry): boolean => now - usedAt > YOUNG_SECONDS;
    const orphans = (): void => {
      const dependent = kept('layer', 'blob');
      if (dependent.length === 0) return;
      const referred = new Set(kept('step').flatMap(references));
      for (const entry of dependent) {
        if (!referred.has(entryName(entry)) && isOld(entry)) take(entry, 'no kept result refers to it');
      }
    };
    orphans();
    const excess = await excessBytes(limits, kept(...entryKinds));
    if (excess > 0) {
      let freed = 0;
      const release = createRelease();
      const dependent = new Map(kept('layer', 'blob').map((entry) => [entryName(entry), entry]));
      const uses = countReferences(kept('step'), references);
      for (const entry of unusedFirst(...OWN_LIFE)) {
        if (freed >= excess) break;
        take(entry, 'unused longest while room is short');
        freed += release(entry);
        for (const name of references(entry)) {
          const left = (uses.get(name) ?? 0) - 1;
          uses.set(name, left);
          const orphan = left === 0 ? dependent.get(name) : undefined;
          if (orphan !== undefined && isOld(orphan)) freed += release(orphan);
        }
      }
      orphans();
    }
    return { all, chosen: all.flatMap((entry) => asCollected(entry, reasons.get(entry))) };
  }

  /** One collection at a time; a dry run changes nothing, not even a lock. */
  function alone(options: CollectOptions, work: () => Promise<Collection>): Promise<Collection> {
    if (options.dryRun === true) return work();
    return locks.withLock('collect', work, options.signal === undefined ? {} : { signal: options.signal });
  }

  async function excessBytes(limits: CacheLimits, kept: readonly CacheEntry[]): Promise<number> {
    const held = occupiedBytes(kept);
    const over = limits.totalBytes !== undefined && held > limits.totalBytes ? held - limits.totalBytes * LOW_WATER : 0;
    if (limits.freeBytes === undefined) return over;
    const { bavail, bsize } = await statfs(layout.cacheDir);
    return Math.max(over, limits.freeBytes - bavail * bsize);
  }

  return {
    entries,
    collect: (limits, options = {}) =>
      alone(options, async () => {
        const { chosen, all } = await choose(limits);
        const result = await remove(chosen, options);
        if (options.dryRun !== true) {
          const gone = new Set(result.removed.map(entryName));
          const present = new Set(all.map(entryName).filter((name) => !gone.has(name)));
          const looked = new Set(all.map(({ kind }) => kind));
          await journal.compact((kind, id) => present.has(`${kind as EntryKind} ${id}`) || !looked.has(kind as EntryKind));
        }
        return result;
      }),
    clean: (wanted, options = {}) =>
      alone(options, async () =>
        remove(
          (await entries()).filter(wanted).flatMap((entry) => asCollected(entry, 'asked for')),
          options,
        ),
      ),
  };
}

function asCollected(entry: CacheEntry, reason: string | undefined): readonly CollectedEntry[] {
  return reason === undefined ? [] : [{ ...entry, reason }];
}

function collection(removed: readonly CollectedEntry[], chosen: number): Collection {
  return { removed, freedBytes: releasedBytes(removed), pinned: chosen - removed.length };
}

/** What another user of a shared cache keeps, root for one, is theirs to remove. */
function refused(error: unknown): undefined {
  if (!isRefusal(error)) throw error;
}

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    return refused(error);
  }
}

/** Takes the entries unused longest until nine tenths of the limit are left; nothing below the limit. */
function shrink(found: readonly CacheEntry[], limitBytes: number, take: (entry: CacheEntry, reason: string) => void): void {
  let held = occupiedBytes(found);
  if (held <= limitBytes) return;
  for (const entry of found) {
    if (held <= limitBytes * LOW_WATER) return;
    take(entry, `more than ${limitBytes} bytes of packages`);
    held -= entry.allocatedBytes;
  }
}

/**
 * What the result of a step refers to, read once, when it is first asked for; nothing for other entries. A record that cannot be read refers
 * to nothing: it is a miss.
 */
function createReferences(): (entry: CacheEntry) => readonly EntryName[] {
  const known = new Map<CacheEntry, readonly EntryName[]>();
  return (entry) => {
    if (entry.kind !== 'step') return [];
    const found = known.get(entry) ?? readReferences(entry.path);
    known.set(entry, found);
    return found;
  };
}

/** How many of these refer to each layer and blob. */
function countReferences(entries: readonly CacheEntry[], references: (entry: CacheEntry) => readonly EntryName[]): Map<EntryName, number> {
  const uses = new Map<EntryName, number>();
  for (const name of entries.flatMap(references)) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

function readReferences(path: string): readonly EntryName[] {
  try {
    const { output } = JSON.parse(readFileSync(path, 'utf8')) as { output?: Json };
    return output === undefined ? [] : [...new Set(Array.from(taggedReferences(output), nameOf))];
  } catch (error) {
    if (!(error instanceof SyntaxError) && errnoOf(error) !== 'ENOENT') throw error;
    return [];
  }
}

function nameOf({ kind, digest }: LayerRef | BlobRef): EntryName {
  return entryName({ kind, id: digest.slice(digest.indexOf(':') + 1) });
}
