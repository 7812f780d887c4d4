import { hashFile } from '@ict/integrity';
import type { BlobStore, EventBody, Memo } from '@ict/plugin-api';
import { createBlobStore } from './blob-store.js';
import { createCollector, type Collector } from './collector.js';
import { createPiecewiseCheck, type FileDigester, type PieceHasher } from './piecewise-check.js';
import type { StoreContext, VerificationMode } from './store-context.js';
import { createImageStore, type ImageStore } from './image-store.js';
import { createLayerStore, type LayerStore } from './layer-store.js';
import { recallDirectories } from './directory-memory.js';
import { fileServerTime } from './abandoned.js';
import { entriesIn, filePlaces, type EntryList } from './inventory.js';
import { openLayout } from './layout.js';
import { createLocks, type LeaseTiming, type Locks } from './lease.js';
import { createMemo } from './memo-store.js';
import { createMountDirectories, type MountDirectories } from './mount-directories.js';
import { createPackageCache, type PackageCache } from './package-cache.js';
import { createPackageEntries, type PackageEntries } from './package-entries.js';
import { createPackageTwins, type PackageTwins, type TwinMaker } from './package-twins.js';
import { currentOwner } from './process-owner.js';
import { reap, removeTree, type RemoveTree } from './reaper.js';
import { openReadOnlyCaches, type CacheBefore } from './read-only-caches.js';
import { readRecord } from './record-file.js';
import { createScrubSchedule } from './scrub-schedule.js';
import { createStepStore, type StepStore } from './step-store.js';
import { createStorageTrouble } from './storage-trouble.js';
import type { Unseen } from './unread.js';
import { measureUsage, type AreaUsage, type UsageGrouping } from './usage.js';
import { verifyCache, type Verification, type VerifyOptions } from './verification.js';
import { isTwinEntry, twinRecord, type TwinEntry } from './twin-entry.js';
import { createUsageJournal, type EntryKind } from './usage-journal.js';

export interface CacheOptions {
  /** Absolute path; made when absent. */
  readonly cacheDir: string;
  /** Absolute path for throw-away files; default: inside the cache. */
  readonly scratchDir?: string;
  /**
   * Absolute path of a directory on a disk of this machine that holds layers, directories of commands, and whatever is being made, in
   * place of a cache directory where overlays cannot be; default: `cacheDir`.
   */
  readonly treesDir?: string;
  /** Now, seconds since 1970. */
  readonly clock: () => number;
  readonly emit?: (event: EventBody) => void;
  /** Default `signature`. */
  readonly mode?: VerificationMode;
  /** Hashes a file, for example on a worker thread; default: on this thread. */
  readonly digestFile?: FileDigester;
  /** Compares large files by pieces, for example on worker threads; default: they are hashed whole. */
  readonly pieces?: PieceHasher;
  readonly leases?: Partial<LeaseTiming>;
  /** Ends what copies a large file, and what hashes one on this thread. */
  readonly signal?: AbortSignal;
  /** Make and change nothing at opening, for a look at a cache that may not be written. Default false. */
  readonly readOnly?: boolean;
  /** Absolute paths of other caches, asked in this order for what this one does not have, and never written. */
  readonly readOnlyDirs?: readonly string[];
}

/**
 * A cache directory, open. There is nothing to close: every change is complete when its promise is. Its locks are for what this machine
 * alone has, such as a work directory.
 */
export interface Cache extends Locks, Collector, MountDirectories {
  readonly cacheDir: string;
  /** Where layers are kept: `cacheDir`, or a directory of this machine alone. */
  readonly treesDir: string;
  readonly blobs: BlobStore;
  readonly images: ImageStore;
  readonly steps: StepStore;
  readonly layers: LayerStore;
  readonly memo: Memo;
  /** The package cache of one provider id. @throws `ICT_CACHE_NAME` */
  packages(providerId: string): PackageCache;
  /** Uncompressed twins of the packages of one provider id. @throws `ICT_CACHE_NAME` */
  twins(providerId: string, maker: TwinMaker): PackageTwins;
  /** The record of the twin of a package of this file name. */
  twinEntry(providerId: string, fileName: string): Promise<TwinEntry | undefined>;
  /**
   * What lies in the cache, only to be shown: directories that have not changed are not read again. What is chosen to be used or removed
   * comes from `entries`.
   *
   * @param unseen is told of what cannot be looked at, and is left out; of a use that is not known, too: the entry counts as used when stored.
   */
  entriesToShow(kinds: readonly EntryKind[], unseen: Unseen): Promise<EntryList>;
  /** The records of the package caches of all providers. */
  readonly packageEntries: PackageEntries;
  /** Where the fetcher keeps answers and partial downloads. Both count as used from now on, and stay while this process runs. */
  fetchDirectory(): Promise<string>;
  /** Where answers lie in caches that are only read. */
  readonly readOnlyFetchDirectories: readonly string[];
  /** A new private directory for throw-away files, in `scratchDir`; gone once this process has ended and another one reaps. */
  scratchDirectory(purpose: string): Promise<string>;
  /** A new private directory on the file system of layers; gone once this process has ended and another one reaps. */
  temporaryDirectory(purpose: string): Promise<string>;
  /** Moves something of the cache out of the way at once; its files are removed by `reap`. */
  toTrash(path: string): Promise<boolean>;
  /**
   * Removes what ended processes left, and this process's own trash. Call it after opening and before ending.
   *
   * @returns how many entries were removed, and which could not be.
   */
  reap(remove?: RemoveTree): Promise<{ readonly removed: number; readonly failed: readonly string[] }>;
  /** Removes the empty directories that this process made for temporary files: call it when nothing is being done any more. */
  leave(): void;
  /** @param unseen is told of what cannot be looked at, and does not count. @param by default: kind. */
  usage(unseen: Unseen, by?: UsageGrouping): Promise<readonly AreaUsage[]>;
  /** Reads every byte and compares it with what names and records say. */
  verify(options?: VerifyOptions): Promise<Verification>;
}

/** What the fetcher makes in its directory. */
const FETCH_PARTS = ['answers', 'partial'];

/**
 * Opens a cache directory, making it when it is absent. Removing any part of it by hand is always safe; so is a crash at any moment.
 *
 * @throws `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_VERSION` when a newer ict wrote it, `ICT_CACHE_DISK_FULL`.
 */
export async function openCache(options: CacheOptions): Promise<Cache> {
  const {
    cacheDir,
    clock,
    emit = () => undefined,
    mode = 'signature',
    signal = new AbortController().signal,
    digestFile = (file, algorithm) => hashFile(file, algorithm === undefined ? { signal } : { algorithm, signal }),
  } = options;
  const layout = await openLayout(cacheDir, currentOwner(), options);
  const journal = createUsageJournal(layout, clock);
  const isScrubDue = createScrubSchedule(clock);
  const before: CacheBefore = { ...layout, memo: createMemo({ layout, clock, emit }), clock, emit, mode, isScrubDue, digestFile };
  const readOnly = await openReadOnlyCaches(options.readOnlyDirs ?? [], before);
  const trouble = createStorageTrouble(emit);
  const store: StoreContext = { layout, clock, emit, mode, digestFile, signal, journal, isScrubDue, readOnly, trouble };
  const locks = createLocks(layout.machineLocks, layout.owner, options.leases);
  const shared = createLocks(layout.area('locks'), layout.owner, options.leases);
  const packageEntries = createPackageEntries(layout);
  const blobs = createBlobStore(store);
  const memo = createMemo(store, readOnly);
  const images = createImageStore(store, blobs, createPiecewiseCheck(memo, digestFile, options.pieces));
  const steps = createStepStore(store, blobs);
  const layers = createLayerStore(store);
  return {
    cacheDir,
    treesDir: options.treesDir ?? cacheDir,
    blobs,
    images,
    steps,
    layers,
    memo,
    packageEntries,
    async entriesToShow(kinds, unseen) {
      // What of these cannot be looked at is told when their entries are.
      const places = kinds.flatMap((kind) => filePlaces(layout, kind, () => undefined)).map(({ root }) => root);
      const silent = createMemo({ layout, clock, emit: () => undefined });
      const memory = await recallDirectories(layout, silent, { places, time: () => fileServerTime(layout) });
      const entries = entriesIn(layout, await journal.read(unseen), kinds, unseen, memory.look);
      await memory.keep();
      return entries;
    },
    packages: (providerId) => createPackageCache(store, providerId),
    twinEntry: (providerId, fileName) => readRecord(twinRecord(layout, providerId, fileName), isTwinEntry),
    twins: (providerId, maker) => createPackageTwins(store, providerId, maker),
    async fetchDirectory() {
      await Promise.all(FETCH_PARTS.map((part) => journal.note('metadata', part)));
      return layout.area('fetch');
    },
    readOnlyFetchDirectories: readOnly.directories.map(({ area }) => area('fetch')),
    scratchDirectory: layout.scratchDirectory,
    temporaryDirectory: layout.temporaryDirectory,
    toTrash: layout.toTrash,
    reap: (remove = removeTree) => reap(layout, remove, clock()),
    leave: layout.leave,
    usage: (unseen, by) => measureUsage(layout, unseen, by),
    verify: (verifyOptions = {}) => verifyCache({ store, packages: packageEntries, steps, images }, verifyOptions),
    ...locks,
    ...createCollector({ layout, clock, journal, packages: packageEntries, locks: shared, readOnly }),
    ...createMountDirectories(store, locks),
  };
}
