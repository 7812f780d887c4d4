import { lstatSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount } from '@ict/plugin-api';
import { createRelease, occupiedBytes } from './disk-room.js';
import { entryName, listEntries, type CacheEntry } from './inventory.js';
import type { Layout } from './layout.js';
import { packageId } from './package-entries.js';
import type { ReadOnlyCaches } from './read-only-caches.js';
import { createReferences, createResultCheck, countReferences, type References } from './step-references.js';
import { gatherUnread, unlessUnread, unreadable, type Unread } from './unread.js';
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

/** An entry that a collection removed, or would remove, and why. */
export interface CollectedEntry extends CacheEntry {
  readonly reason: string;
}

/** What lies in the cache, as far as it can be looked at. */
interface Survey {
  readonly all: readonly CacheEntry[];
  readonly unread: readonly Unread[];
  /** Kinds of which some could not be looked at. */
  readonly partly: ReadonlySet<EntryKind>;
}

/** What a collection chose, of what it saw. */
export interface Choice {
  readonly chosen: readonly CollectedEntry[];
  readonly all: readonly CacheEntry[];
  readonly unread: readonly Unread[];
}

/** What a choice is made by. */
export interface ChoiceParts {
  readonly layout: Layout;
  /** Now, seconds since 1970. */
  readonly clock: () => number;
  readonly journal: UsageJournal;
  /** Their packages may have twins here. */
  readonly readOnly: Pick<ReadOnlyCaches, 'directories'>;
}

const DAY_SECONDS = 86_400;
/** A layer or file this young may belong to a result that is being recorded. */
const YOUNG_SECONDS = 3600;
/** What is kept for its own use, as blobs of metadata are; layers and other blobs live as long as a result that refers to them. */
const OWN_LIFE: readonly EntryKind[] = ['package', 'twin', 'image', 'step', 'memo', 'metadata', 'mount'];
/** What a limit is undershot by, so that not every build collects. */
const LOW_WATER = 0.9;

/** Looks at all of these kinds. @throws `ICT_CACHE_UNREADABLE` where the journal cannot be read. */
export async function surveyCache(layout: Layout, journal: Pick<UsageJournal, 'read'>, kinds: readonly EntryKind[]): Promise<Survey> {
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
 * What goes beyond `limits`, and layers, file systems and disks that no kept result refers to. What could not be looked at is not chosen, nor what it may refer to.
 *
 * @throws `ICT_CACHE_UNREADABLE` where it cannot be known what running builds use, or used last.
 */
export async function chooseEntries({ layout, clock, journal, readOnly }: ChoiceParts, limits: CacheLimits): Promise<Choice> {
  // Packages with their twins and images have limits of their own, and are quick to look at: what every build does.
  const whole = limits.unusedDays !== undefined || limits.totalBytes !== undefined || limits.freeBytes !== undefined;
  const seen = await surveyCache(layout, journal, whole ? entryKinds : ['package', 'twin', 'image']);
  const selection = new Selection(seen.all, await journal.pinned(), clock());
  takeBeyondLimits(selection, limits);
  if (!seen.partly.has('package')) takeLoneTwins(selection, readOnly);
  const results = gatherUnread();
  const references = createReferences(results.unseen);
  /** Whether all kept results said what they refer to. */
  const isKnown = (): boolean => !seen.partly.has('step') && results.unread.length === 0;
  const metadata = metadataIn(selection, layout, references, isKnown);
  takeUnused(selection, metadata, limits.unusedDays);
  takeOrphans(selection, references, metadata, isKnown);
  const excess = await excessBytes(layout, limits, selection.kept(...entryKinds));
  if (excess > 0) {
    // Where layers and blobs have to stay, taking away a result would free nothing.
    const kinds = isKnown() ? OWN_LIFE : OWN_LIFE.filter((kind) => kind !== 'step');
    makeRoom(selection, references, excess, (entry) => kinds.includes(entry.kind) || metadata.has(entry));
    takeOrphans(selection, references, metadata, isKnown);
  }
  const stay = new Set(results.unread.map(({ path }) => path));
  return { all: seen.all, chosen: selection.chosen().filter(({ path }) => !stay.has(path)), unread: [...seen.unread, ...results.unread] };
}

/** Entries of which some are taken, each for the first reason that there is. */
class Selection {
  readonly now: number;
  readonly #all: readonly CacheEntry[];
  readonly #inUse: ReadonlySet<EntryName>;
  readonly #reasons = new Map<CacheEntry, string>();

  /** @param inUse what running builds use. @param now seconds since 1970. */
  constructor(all: readonly CacheEntry[], inUse: ReadonlySet<EntryName>, now: number) {
    this.#all = all;
    this.#inUse = inUse;
    this.now = now;
  }

  readonly take = (entry: CacheEntry, reason: string): void => {
    if (!this.#reasons.has(entry)) this.#reasons.set(entry, reason);
  };

  /** Entries of these kinds. */
  all(...kinds: readonly EntryKind[]): CacheEntry[] {
    return this.#all.filter(({ kind }) => kinds.includes(kind));
  }

  /** Those of them that were not taken. */
  kept(...kinds: readonly EntryKind[]): CacheEntry[] {
    return this.all(...kinds).filter((entry) => !this.#reasons.has(entry));
  }

  /** Likewise, twins before what they are made of; last what running builds use: it stays, however old, so that something else has to go. */
  unusedFirst(...kinds: readonly EntryKind[]): CacheEntry[] {
    const [used, unused] = partition(this.kept(...kinds), (entry) => this.#inUse.has(entryName(entry)));
    return [...unused.sort(bySpareness), ...used.sort(bySpareness)];
  }

  chosen(): readonly CollectedEntry[] {
    return this.#all.flatMap((entry) => asCollected(entry, this.#reasons.get(entry)));
  }
}

function bySpareness(a: CacheEntry, b: CacheEntry): number {
  return Number(b.kind === 'twin') - Number(a.kind === 'twin') || a.usedAt - b.usedAt;
}

function takeBeyondLimits(selection: Selection, limits: CacheLimits): void {
  const { take } = selection;
  takeUnused(selection, selection.kept('package', 'twin'), limits.packageDays);
  takeUnused(selection, selection.kept(...OWN_LIFE), limits.unusedDays);
  if (limits.packageBytes !== undefined) shrink(selection.unusedFirst('package', 'twin'), limits.packageBytes, take);
  if (limits.imageCount === undefined) return;
  const images = selection.unusedFirst('image');
  for (const image of images.slice(0, Math.max(0, images.length - limits.imageCount))) {
    take(image, `more than ${formatCount(limits.imageCount, 'image')}`);
  }
}

function takeUnused({ now, take }: Selection, found: Iterable<CacheEntry>, days: number | undefined): void {
  if (days === undefined) return;
  for (const entry of found) if (now - entry.usedAt > days * DAY_SECONDS) take(entry, `unused for more than ${formatCount(days, 'day')}`);
}

/** Twins go with their packages. */
function takeLoneTwins(selection: Selection, readOnly: ChoiceParts['readOnly']): void {
  const packaged = new Set(selection.kept('package').map(({ id }) => id));
  for (const twin of selection.kept('twin')) {
    const { provider, name } = twin as CacheEntry & { provider: string };
    if (packaged.has(packageId(provider, name))) continue;
    const borrowed = readOnly.directories.some((place) => mayBeThere(join(place.packages(provider), name)));
    if (!borrowed) selection.take(twin, 'its package is gone');
  }
}

function isOld({ usedAt }: CacheEntry, now: number): boolean {
  return now - usedAt > YOUNG_SECONDS;
}

/**
 * Blobs that no result ever named. Young ones are left out: a result that is being recorded may name them.
 *
 * @param isKnown asked once the results were read: whether all of them said what they refer to. Else none are told apart.
 */
function metadataIn(selection: Selection, layout: Layout, references: References, isKnown: () => boolean): ReadonlySet<CacheEntry> {
  const old = selection.kept('blob').filter((blob) => isOld(blob, selection.now));
  if (old.length === 0) return new Set();
  const isResult = createResultCheck(layout, selection.all('step'), references);
  return new Set(isKnown() ? old.filter((blob) => !isResult(blob)) : []);
}

/** @param isKnown as above. */
function takeOrphans(selection: Selection, references: References, metadata: ReadonlySet<CacheEntry>, isKnown: () => boolean): void {
  const dependent = selection.kept('layer', 'blob').filter((entry) => !metadata.has(entry));
  if (dependent.length === 0) return;
  const referred = new Set(selection.kept('step').flatMap(references));
  if (!isKnown()) return;
  for (const entry of dependent) {
    if (!referred.has(entryName(entry)) && isOld(entry, selection.now)) selection.take(entry, 'no kept result refers to it');
  }
}

/** Takes what was unused longest, of what `isSpare` says may go by itself, until so much is freed, with what nothing else refers to. */
function makeRoom(selection: Selection, references: References, neededBytes: number, isSpare: (entry: CacheEntry) => boolean): void {
  let freed = 0;
  const release = createRelease();
  const dependent = new Map(selection.kept('layer', 'blob').map((entry) => [entryName(entry), entry]));
  const uses = countReferences(selection.kept('step'), references);
  for (const entry of selection.unusedFirst(...entryKinds).filter(isSpare)) {
    if (freed >= neededBytes) return;
    selection.take(entry, 'unused longest while room is short');
    freed += release(entry);
    for (const name of references(entry)) {
      const left = (uses.get(name) ?? 0) - 1;
      uses.set(name, left);
      const orphan = left === 0 ? dependent.get(name) : undefined;
      if (orphan !== undefined && isOld(orphan, selection.now)) freed += release(orphan);
    }
  }
}

async function excessBytes({ cacheDir }: Layout, limits: CacheLimits, kept: readonly CacheEntry[]): Promise<number> {
  const held = occupiedBytes(kept);
  const over = limits.totalBytes !== undefined && held > limits.totalBytes ? held - limits.totalBytes * LOW_WATER : 0;
  if (limits.freeBytes === undefined) return over;
  const { bavail, bsize } = await statfs(cacheDir).catch((error: unknown) => Promise.reject(unreadable(cacheDir, error)));
  return Math.max(over, limits.freeBytes - bavail * bsize);
}

/** @param reason undefined for what is not collected. */
export function asCollected(entry: CacheEntry, reason: string | undefined): readonly CollectedEntry[] {
  return reason === undefined ? [] : [{ ...entry, reason }];
}

/** Takes the entries unused longest until nine tenths of the limit are left; nothing below the limit. */
function shrink(found: readonly CacheEntry[], limitBytes: number, take: Selection['take']): void {
  let held = occupiedBytes(found);
  if (held <= limitBytes) return;
  for (const entry of found) {
    if (held <= limitBytes * LOW_WATER) return;
    take(entry, `more than ${limitBytes} bytes of packages`);
    held -= entry.allocatedBytes;
  }
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
