import { lstat } from 'node:fs/promises';
import { removeTree, type Cache } from '@ict/cache';
import { isRefusal } from '@ict/integrity';
import type { LazySandbox } from './trees.js';

/**
 * Removes what a killed build left in a work directory, which may lie on another disk than the trash of the cache. What another user
 * left, root for one, and this one may not remove, waits for that user.
 *
 * @throws Node's own errors for any other failure.
 */
export async function removeLeftover(path: string, sandbox: LazySandbox): Promise<void> {
  try {
    await removeTree(path);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const { uid } = await lstat(path);
    if (uid === process.geteuid?.()) await (await sandbox.get()).removeTree(path);
  }
}

/** Removes files of ended builds. Those of layers may belong to subordinate ids, which only the sandbox can remove. */
export async function emptyTrash(cache: Pick<Cache, 'reap'>, sandbox: LazySandbox): Promise<void> {
  const { failed } = await cache.reap();
  if (failed.length === 0) return;
  const started = await sandbox.get();
  await cache.reap((directory) => started.removeTree(directory));
}
