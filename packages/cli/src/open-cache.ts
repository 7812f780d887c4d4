import { stat } from 'node:fs/promises';
import { chooseCacheHome, claimCacheHome, openCache, type Cache, type CacheEntry, type CachePlaces, type EntryKind } from '@ict/cache';
import type { Session } from './session.js';

/** Opens a cache to look at it: nothing in it changes, and none is made. @returns undefined where there is none. */
export async function lookAtCache(cacheDir: string): Promise<Cache | undefined> {
  return changeCache(cacheDir, true);
}

/** Opens a cache and those that are only read behind it, to look at them; those that are not there are left out. */
export async function lookAtCaches(places: CachePlaces): Promise<readonly Cache[]> {
  const { cacheDir, readOnlyDirs } = await chooseCacheHome(places);
  const caches = await Promise.all([...new Set([cacheDir, ...readOnlyDirs])].map(lookAtCache));
  return caches.filter((cache) => cache !== undefined);
}

/** What caches have of some kinds, cache by cache. */
export async function entriesOf(caches: readonly Cache[], kinds?: readonly EntryKind[]): Promise<readonly CacheEntry[]> {
  return (await Promise.all(caches.map((cache) => cache.entries(kinds)))).flat();
}

/** Which of these caches has an entry. */
export function cacheOf(caches: readonly Cache[], { path }: CacheEntry): Cache {
  return caches.find(({ cacheDir }) => path.startsWith(`${cacheDir}/`)) as Cache;
}

/** Opens the cache that is written: where `cache_dir` can only be read, that of the work directory. @throws `ICT_CACHE_UNWRITABLE` */
export async function openWritten(places: CachePlaces): Promise<Cache> {
  const home = await chooseCacheHome(places);
  if (home.cacheDir !== places.cacheDir) await claimCacheHome(home, places.workDir);
  return openCache({ ...home, clock });
}

/** Opens a cache to remove something, or, for a dry run, to look at it. @returns undefined where there is none. */
export async function changeCache(cacheDir: string, dryRun: boolean): Promise<Cache | undefined> {
  return (await isDirectory(cacheDir)) ? openCache({ cacheDir, clock, readOnly: dryRun }) : undefined;
}

/** Removes from the disk what was taken out of the cache; what belongs to other users waits for the next build. */
export async function reapCache(cache: Cache, session: Session): Promise<void> {
  const { failed } = await cache.reap();
  if (failed.length > 0) session.note(`${failed.length} directories belong to other users: the next build removes them\n`);
}

const clock = (): number => Date.now() / 1000;

async function isDirectory(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return stats?.isDirectory() === true;
}
