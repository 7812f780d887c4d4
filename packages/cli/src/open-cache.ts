import { lstat, rm, stat } from 'node:fs/promises';
import {
  chooseCacheHome,
  claimCacheHome,
  openCache,
  unreadable,
  type Cache,
  type CacheEntry,
  type CacheHome,
  type CachePlaces,
  type EntryKind,
  type Unseen,
} from '@ict/cache';
import { errnoOf, ignoreSystemError } from '@ict/integrity';
import { hasCode, isIctError } from '@ict/plugin-api';
import { unfitForTrees } from '@ict/sandbox';
import type { Session } from './session.js';
import type { KeptEntry } from './views/shown-entries.js';

/** Where the cache of these directories is, on this machine. */
export function findCacheHome(places: CachePlaces): Promise<CacheHome> {
  return chooseCacheHome(places, unfitForTrees);
}

/**
 * Opens a cache and those that are only read behind it, to look at them: nothing changes, and those that are not there are left out.
 *
 * @param unseen is told of those behind it that cannot be read, and are left out.
 */
export async function lookAtCaches(places: CachePlaces, unseen: Unseen): Promise<readonly Cache[]> {
  const { own, behind } = await lookAtEach(places, unseen);
  return own === undefined ? behind : [own, ...behind];
}

/** Likewise, apart. @param signal ends what reads their files. */
export async function lookAtEach(
  places: CachePlaces,
  unseen: Unseen,
  signal?: AbortSignal,
): Promise<{ readonly own: Cache | undefined; readonly behind: readonly Cache[] }> {
  const home = await findCacheHome(places);
  const [own, behind] = await Promise.all([changeCache(home, true, signal), lookBehind(home, unseen, signal)]);
  return { own, behind };
}

/** Opens the caches that are only read, to look at them; those that are not there, or that `unseen` is told of, are left out. */
export async function lookBehind({ cacheDir, readOnlyDirs }: CacheHome, unseen: Unseen, signal?: AbortSignal): Promise<readonly Cache[]> {
  const others = [...new Set(readOnlyDirs)].filter((directory) => directory !== cacheDir);
  const open = (directory: string): Promise<Cache | undefined> =>
    changeCache({ cacheDir: directory }, true, signal).catch((error: unknown) => {
      if (!isIctError(error)) throw error;
      unseen(directory, error);
      return undefined;
    });
  const caches = await Promise.all(others.map(open));
  return caches.filter((cache) => cache !== undefined);
}

/** What caches have of some kinds, cache by cache. `unseen` is told of what cannot be looked at, and is left out. */
export async function entriesOf(caches: readonly Cache[], unseen: Unseen, kinds?: readonly EntryKind[]): Promise<readonly CacheEntry[]> {
  return (await Promise.all(caches.map((cache) => cache.entries(kinds, unseen)))).flat();
}

/** Which of these caches has an entry of a cache. */
export function cacheOf(caches: readonly Cache[], entry: CacheEntry): Cache {
  return placeIn(caches, entry) as Cache;
}

/** The directory that an entry is in: of one of these caches, or the work directory. */
export function placeOfEntry(caches: readonly Cache[], workDir: string, entry: KeptEntry): string {
  return placeIn(caches, entry)?.cacheDir ?? workDir;
}

function placeIn(caches: readonly Cache[], { path }: KeptEntry): Cache | undefined {
  return caches.find(({ cacheDir, treesDir }) => [cacheDir, treesDir].some((directory) => path.startsWith(`${directory}/`)));
}

/** Opens the cache that is written: where `cache_dir` can only be read, that of the work directory. @throws `ICT_CACHE_UNWRITABLE` */
export async function openWritten(places: CachePlaces, signal: AbortSignal): Promise<Cache> {
  const home = await findCacheHome(places);
  await claimCacheHome(home, places);
  return openCache({ ...home, clock, signal });
}

/**
 * Opens a cache to remove something, or, for a dry run, to look at it. On a full disk, what a removal writes itself gets room first: that of answers
 * which are found again.
 *
 * @returns undefined where there is none.
 * @throws `ICT_CACHE_UNREADABLE` where the system does not say, or something else lies there; as `openCache`.
 */
export async function changeCache(
  home: Pick<CacheHome, 'cacheDir'> & Partial<CacheHome>,
  dryRun: boolean,
  signal?: AbortSignal,
): Promise<Cache | undefined> {
  const { cacheDir, treesDir, readOnlyDirs = [] } = home;
  if (!(await isDirectory(cacheDir))) return undefined;
  const options = {
    cacheDir,
    clock,
    readOnly: dryRun,
    readOnlyDirs,
    ...(treesDir === undefined ? {} : { treesDir }),
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    return await openCache(options);
  } catch (error) {
    if (dryRun || !hasCode(error, 'ICT_CACHE_DISK_FULL')) throw error;
  }
  const full = await openCache({ ...options, readOnly: true });
  for (const { path } of await full.entries(['memo'], () => undefined)) await rm(path, { force: true }).catch(ignoreSystemError);
  return openCache(options);
}

/** Removes from the disk what was taken out of the cache; what belongs to other users waits for the next build. */
export async function reapCache(cache: Cache, session: Session): Promise<void> {
  const { failed } = await cache.reap();
  cache.leave();
  if (failed.length > 0)
    session.note(
      `${failed[0]}${failed.length === 1 ? '' : ` and ${failed.length - 1} more`} could not be removed yet: the next build tries again\n`,
    );
}

const clock = (): number => Date.now() / 1000;

/** False where nothing is. @throws `ICT_CACHE_UNREADABLE` where the system does not say, or something else lies there, as a link to nothing. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    await stat(`${path}/`); // of what is no directory the system says so
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && (await lstat(path).catch(ignoreSystemError)) === undefined) return false;
    throw unreadable(path, error);
  }
}
