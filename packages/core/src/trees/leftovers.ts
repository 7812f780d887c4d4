import { lstat } from 'node:fs/promises';
import { removeTree, type Cache } from '@ict/cache';
import { isRefusal, ignoreSystemError } from '@ict/integrity';
import type { Context } from '@ict/plugin-api';
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

/**
 * Removes files of ended builds. Those of layers may belong to subordinate ids, which only the sandbox can remove. What another user
 * left waits for that user.
 *
 * @returns what could not be removed, though it is this user's.
 */
export async function emptyTrash(cache: Pick<Cache, 'reap'>, sandbox: LazySandbox): Promise<readonly string[]> {
  const { failed } = await cache.reap();
  if (failed.length === 0) return [];
  const started = await sandbox.get();
  const { failed: left } = await cache.reap((directory) => started.removeTree(directory));
  const owners = await Promise.all(left.map((path) => lstat(path).then(({ uid }) => uid, ignoreSystemError)));
  return left.filter((_path, index) => owners[index] === process.geteuid?.());
}

/** Says what {@link emptyTrash} left. */
export function tellLeftovers(left: readonly string[], emit: Context['emit']): void {
  const [first, ...others] = left;
  if (first === undefined) return;
  emit({
    type: 'warning',
    code: 'ICT_CACHE_NOT_REMOVED',
    message: `${first}${others.length === 0 ? '' : ` and ${others.length} more`} of ended builds cannot be removed`,
    hint: 'Unmount what is mounted in it and check its disk; the next build tries again.',
  });
}
