import { stat } from 'node:fs/promises';
import { openCache, type Cache } from '@ict/cache';
import type { Session } from './session.js';

/** Opens a cache to look at it: nothing in it changes, and none is made. @returns undefined where there is none. */
export async function lookAtCache(cacheDir: string): Promise<Cache | undefined> {
  return (await isDirectory(cacheDir)) ? openCache({ cacheDir, clock, readOnly: true }) : undefined;
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
