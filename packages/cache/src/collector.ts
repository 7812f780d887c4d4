import { existsSync } from 'node:fs';
import { isNoFile, isRefusal, systemErrorOf } from '@ict/integrity';
import { hasCode } from '@ict/plugin-api';
import { asCollected, chooseEntries, surveyCache, type CacheLimits, type ChoiceParts, type CollectedEntry } from './collection-choice.js';
import { entryName, listEntries, type CacheEntry } from './inventory.js';
import { releasedBytes } from './disk-room.js';
import type { Locks } from './lease.js';
import type { PackageEntries } from './package-entries.js';
import { removeFile } from './reaper.js';
import { removeRecord } from './record-file.js';
import { createReferences, createResultCheck } from './step-references.js';
import { twinRecord } from './twin-entry.js';
import { gatherUnread, refuseUnread, type Unread, type Unseen } from './unread.js';
import { entryKinds, type EntryKind } from './usage-journal.js';
import { noUses } from './uses.js';

export interface CollectOptions {
  /** Say what would go, and remove nothing. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
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
   * Ids of blobs that a result names, or named: file systems and disks. The others are metadata.
   *
   * @param unseen is told of results that cannot be read. What cannot be listed is left out: `clean` tells it.
   */
  resultBlobs(unseen: Unseen): ReadonlySet<string>;
  /**
   * Removes what goes beyond `limits`, and layers, file systems and disks that no kept result refers to. Never what a running build uses, or what cannot be
   * looked at.
   *
   * @throws `ICT_CACHE_UNREADABLE` where it cannot be known what running builds use, or used last.
   */
  collect(limits: CacheLimits, options?: CollectOptions): Promise<Collection>;
  /** Removes what `wanted` chooses. Never what a running build uses, or what cannot be looked at. @throws as `collect`. */
  clean(wanted: EntryFilter, options?: CollectOptions): Promise<Collection>;
}

interface CollectorParts extends ChoiceParts {
  readonly packages: PackageEntries;
  readonly locks: Locks;
}

export function createCollector({ layout, clock, journal, packages, locks, readOnly }: CollectorParts): Collector {
  const entries = async (kinds: readonly EntryKind[] = entryKinds, unseen = refuseUnread): Promise<readonly CacheEntry[]> =>
    listEntries(layout, await journal.read(unseen), kinds, unseen);

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

  /** One collection at a time; a dry run changes nothing, not even a lock. */
  function alone(options: CollectOptions, work: () => Promise<Collection>): Promise<Collection> {
    if (options.dryRun === true) return work();
    return locks.withLock('collect', work, options.signal === undefined ? {} : { signal: options.signal });
  }

  return {
    entries,
    resultBlobs(unseen) {
      const list = (kind: EntryKind) => listEntries(layout, noUses, [kind], () => undefined);
      const isResult = createResultCheck(layout, list('step'), createReferences(unseen));
      return new Set(
        list('blob')
          .filter(isResult)
          .map(({ id }) => id),
      );
    },
    collect: (limits, options = {}) =>
      alone(options, async () => {
        const { chosen, all, unread } = await chooseEntries({ layout, clock, journal, readOnly }, limits);
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
        const { all, unread } = await surveyCache(layout, journal, entryKinds);
        const chosen = all.filter(wanted).flatMap((entry) => asCollected(entry, 'asked for'));
        return remove(chosen, unread, options);
      }),
  };
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
