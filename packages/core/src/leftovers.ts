import { lstat } from 'node:fs/promises';
import { removeTree, type Cache } from '@ict/cache';
import type { LazySandbox } from './trees.js';

/**
 * Removes what a killed build left in a work directory, which may lie on another disk than the trash of the cache. What another user
 * left, root for one, waits for that user.
 */
export async function removeLeftover(path: string, sandbox: LazySandbox): Promise<void> {
  try {
    await removeTree(path);
  } catch {
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
