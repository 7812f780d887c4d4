import { existsSync, lstatSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isNoFile, isRefusal, readRegularFileSync, systemErrorOf } from '@ict/integrity';
import { formatCount, hasCode, type BlobRef, type Json, type LayerRef } from '@ict/plugin-api';
import { entryName, listEntries, type CacheEntry } from './inventory.js';
import { createRelease, occupiedBytes, releasedBytes } from './disk-room.js';
import type { Layout } from './layout.js';
import type { Locks } from './lease.js';
import { packageId, type PackageEntries } from './package-entries.js';
import type { ReadOnlyCaches } from './read-only-caches.js';
import { removeFile } from './reaper.js';
import { removeRecord } from './record-file.js';
import { taggedReferences } from './tagged-references.js';
import { twinRecord } from './twin-entry.js';
import { gatherUnread, refuseUnread, unlessUnread, unreadable, type Unread, type Unseen } from './unread.js';
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
  /** What could not be looked at or moved, and stayed. What it may refer to stayed, too. */
  readonly unread: readonly Unread[];
}

/** Chooses entries to remove by name rather than by age. */
export type EntryFilter = (entry: CacheEntry) => boolean;

export interface Collector {
  /**
   * What lies in the cache.
   *
   * @param kinds default: every kind.
   * @param unseen is told of what cannot be looked at, and is left out. Without it, @throws `ICT_CACHE_UNREADABLE`.
   */
  entries(kinds?: readonly EntryKind[], unseen?: Unseen): Promise<readonly CacheEntry[]>;
  /**
   * Removes what goes beyond `limits`, and layers and files that no kept result refers to. Never what a running build uses, or what cannot be
   * looked at.
   *
   * @throws `ICT_CACHE_UNREADABLE` where it cannot be known what running builds use, or used last.
   */
  collect(limits: CacheLimits, options?: CollectOptions): Promise<Collection>;
  /** Removes what `wanted` chooses. Never what a running build uses, or what cannot be looked at. @throws as `collect`. */
  clean(wanted: EntryFilter, options?: CollectOptions): Promise<Collection>;
}

/** What lies in the cache, as far as it can be looked at. */
interface Survey {
  readonly all: readonly CacheEntry[];
  readonly unread: readonly Unread[];
  /** Kinds of which some could not be looked at. */
  readonly partly: ReadonlySet<EntryKind>;
}

/** What a collection chose. */
interface Choice {
  readonly chosen: readonly CollectedEntry[];
  readonly all: readonly CacheEntry[];
  readonly unread: readonly Unread[];
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
  readonly packages: PackageEntries;
  readonly locks: Locks;
  /** Their packages may have twins here. */
  readonly readOnly: Pick<ReadOnlyCaches, 'directories'>;
}

export function createCollector({ layout, clock, journal, packages, locks, readOnly }: CollectorParts): Collector {
  const entries = async (kinds: readonly EntryKind[] = entryKinds, unseen = refuseUnread): Promise<readonly CacheEntry[]> =>
    listEntries(layout, await journal.read(unseen), kinds, unseen);

  async function survey(kinds: readonly EntryKind[]): Promise<Survey> {
    const used = await journal.read();
    const { unread, unseen } = gatherUnread();
    const partly = new Set<EntryKind>();
    const all = kinds.flatMap((kind) => {
      const before = unread.length;
      const found = listEntries(layout, used, [kind], unseen);
      if (unread.length > before) partly.add(kind);
      return found;
    });
    return { all, unread, partly };
  }

  /**
   * Moves entries to the trash. What a build began to use meanwhile is put back, also when the signal ends it.
   *
   * @param found what could not be looked at.
   */
  async function remove(chosen: readonly CollectedEntry[], found: readonly Unread[], options: CollectOptions): Promise<Collection> {
    const before = await journal.pinned();
    const free = before.size === 0 ? chosen : chosen.filter((entry) => !before.has(entryName(entry)));
    if (options.dryRun === true) return collection(free, chosen.length, found);
    const { unread, unseen } = gatherUnread();
    const stays = (path: string, error: unknown): undefined => {
      if (systemErrorOf(error) === undefined) throw error;
      if (!isRefusal(error)) unseen(path, error); // what another user of a shared cache keeps, root for one, is theirs to remove
    };
    const moved: { readonly entry: CollectedEntry; readonly trash: string }[] = [];
    const gone: CollectedEntry[] = [];
    for (const entry of free) {
      if (options.signal?.aborted === true) break;
      try {
        // Nobody notes the use of a memo, and whoever reads it has it whole or not at all.
        if (entry.kind === 'memo' && isRemoved(entry.path)) {
          gone.push(entry);
          continue;
        }
        const trash = await layout.setAside(entry.path);
        if (trash !== undefined) moved.push({ entry, trash });
      } catch (error) {
        stays(entry.path, error);
      }
    }
    const after = await journal.pinned().catch(async (error: unknown) => {
      for (const { entry, trash } of moved) await layout.putBack(trash, entry.path).catch(lost);
      throw error;
    });
    for (const { entry, trash } of moved) {
      if (!after.has(entryName(entry)) || !(await layout.putBack(trash, entry.path).catch(lost))) gone.push(entry);
    }
    options.signal?.throwIfAborted();
    for (const { kind, provider, name, id, path } of gone) {
      if (kind === 'twin') await removeRecord(twinRecord(layout, provider as string, name)).catch(lost);
      // Another process may have made it again.
      if (kind === 'blob' && !existsSync(path)) await removeRecord(layout.record('blobs', id)).catch(lost);
    }
    await packages.forget(gone.filter(({ kind }) => kind === 'package').map(({ id }) => id));
    return collection(gone, chosen.length - unread.length, [...found, ...unread]);
  }

  async function choose(limits: CacheLimits): Promise<Choice> {
    // Packages with their twins and images have limits of their own, and are quick to look at: what every build does.
    const whole = limits.unusedDays !== undefined || limits.totalBytes !== undefined || limits.freeBytes !== undefined;
    const { all, unread, partly } = await survey(whole ? entryKinds : ['package', 'twin', 'image']);
    const now = clock();
    const reasons = new Map<CacheEntry, string>();
    const take = (entry: CacheEntry, reason: string): void => {
      if (!reasons.has(entry)) reasons.set(entry, reason);
    };
    const kept = (...kinds: readonly EntryKind[]): CacheEntry[] => all.filter((entry) => kinds.includes(entry.kind) && !reasons.has(entry));
    const inUse = await journal.pinned();
    const bySpareness = (a: CacheEntry, b: CacheEntry): number =>
      Number(b.kind === 'twin') - Number(a.kind === 'twin') || a.usedAt - b.usedAt;
    // Twins before what they are made of; last what running builds use: it stays, however old, so that something else has to go.
    const unusedFirst = (...kinds: readonly EntryKind[]): CacheEntry[] => {
      const [used, unused] = partition(kept(...kinds), (entry) => inUse.has(entryName(entry)));
      return [...unused.sort(bySpareness), ...used.sort(bySpareness)];
    };
    const older = (found: readonly CacheEntry[], days: number | undefined): void => {
      if (days === undefined) return;
      for (const entry of found)
        if (now - entry.usedAt > days * DAY_SECONDS) take(entry, `unused for more than ${formatCount(days, 'day')}`);
    };
    older(kept('package', 'twin'), limits.packageDays);
    older(kept(...OWN_LIFE), limits.unusedDays);
    if (limits.packageBytes !== undefined) shrink(unusedFirst('package', 'twin'), limits.packageBytes, take);
    if (limits.imageCount !== undefined) {
      const images = unusedFirst('image');
      for (const image of images.slice(0, Math.max(0, images.length - limits.imageCount))) {
        take(image, `more than ${formatCount(limits.imageCount, 'image')}`);
      }
    }
    const packaged = new Set(kept('package').map(({ id }) => id));
    for (const twin of partly.has('package') ? [] : kept('twin')) {
      const { provider, name } = twin as CacheEntry & { provider: string };
      if (packaged.has(packageId(provider, name))) continue;
      const borrowed = readOnly.directories.some((place) => mayBeThere(join(place.packages(provider), name)));
      if (!borrowed) take(twin, 'its package is gone');
    }
    const results = gatherUnread();
    const references = createReferences(results.unseen);
    /** Whether all kept results said what they refer to. */
    const isKnown = (): boolean => !partly.has('step') && results.unread.length === 0;
    const isOld = ({ usedAt }: CacheEntry): boolean => now - usedAt > YOUNG_SECONDS;
    const orphans = (): void => {
      const dependent = kept('layer', 'blob');
      if (dependent.length === 0) return;
      const referred = new Set(kept('step').flatMap(references));
      if (!isKnown()) return;
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
      // Where layers and blobs have to stay, taking away a result would free nothing.
      const goes = isKnown() ? OWN_LIFE : OWN_LIFE.filter((kind) => kind !== 'step');
      for (const entry of unusedFirst(...goes)) {
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
    const stay = new Set(results.unread.map(({ path }) => path));
    const chosen = all.flatMap((entry) => (stay.has(entry.path) ? [] : asCollected(entry, reasons.get(entry))));
    return { all, chosen, unread: [...unread, ...results.unread] };
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
    const { bavail, bsize } = await statfs(layout.cacheDir).catch((error: unknown) => Promise.reject(unreadable(layout.cacheDir, error)));
    return Math.max(over, limits.freeBytes - bavail * bsize);
  }

  return {
    entries,
    collect: (limits, options = {}) =>
      alone(options, async () => {
        const { chosen, all, unread } = await choose(limits);
        const result = await remove(chosen, unread, options);
        if (options.dryRun !== true) {
          const gone = new Set(result.removed.map(entryName));
          const present = new Set(all.map(entryName).filter((name) => !gone.has(name)));
          // What could not be looked at may have been used, too.
          const looked = new Set(unread.length === 0 ? all.map(({ kind }) => kind) : []);
          await journal.compact((kind, id) => present.has(`${kind as EntryKind} ${id}`) || !looked.has(kind as EntryKind)).catch(lost);
        }
        return result;
      }),
    clean: (wanted, options = {}) =>
      alone(options, async () => {
        const { all, unread } = await survey(entryKinds);
        const chosen = all.filter(wanted).flatMap((entry) => asCollected(entry, 'asked for'));
        return remove(chosen, unread, options);
      }),
  };
}

function asCollected(entry: CacheEntry, reason: string | undefined): readonly CollectedEntry[] {
  return reason === undefined ? [] : [{ ...entry, reason }];
}

function collection(removed: readonly CollectedEntry[], chosen: number, unread: readonly Unread[]): Collection {
  return { removed, freedBytes: releasedBytes(removed), pinned: chosen - removed.length, unread };
}

/** Removes a file at once. @returns false where none is: nothing, or a directory. */
function isRemoved(path: string): boolean {
  try {
    return removeFile(path);
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return false;
  }
}

/** What the system refuses of what only spares others work. */
function lost(error: unknown): false {
  if (systemErrorOf(error) === undefined && !hasCode(error, 'ICT_CACHE_UNREADABLE')) throw error;
  return false;
}

/** False only where the system says that there is nothing. */
function mayBeThere(path: string): boolean {
  let unseen = false;
  const found = unlessUnread(
    path,
    () => (unseen = true),
    () => lstatSync(path, { throwIfNoEntry: false }),
  );
  return unseen || found !== undefined;
}

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[first(item) ? 0 : 1].push(item);
  return parts;
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
 * What the result of a step refers to, read once, when it is first asked for; nothing for other entries. A record that is none refers to
 * nothing: it is a miss.
 *
 * @param unseen is told of records that cannot be read.
 */
function createReferences(unseen: Unseen): (entry: CacheEntry) => readonly EntryName[] {
  const known = new Map<CacheEntry, readonly EntryName[]>();
  return (entry) => {
    if (entry.kind !== 'step') return [];
    const found = known.get(entry) ?? readReferences(entry.path, unseen);
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

function readReferences(path: string, unseen: Unseen): readonly EntryName[] {
  const text = unlessUnread(path, unseen, () => readRegularFileSync(path).toString());
  if (text === undefined) return [];
  try {
    const { output } = (JSON.parse(text) as { output?: Json } | null) ?? {};
    return output === undefined ? [] : [...new Set(Array.from(taggedReferences(output), nameOf))];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

function nameOf({ kind, digest }: LayerRef | BlobRef): EntryName {
  return entryName({ kind, id: digest.slice(digest.indexOf(':') + 1) });
}
