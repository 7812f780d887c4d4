import { lstatSync, unlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, systemErrorOf } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { isAbandoned } from './abandoned.js';
import type { Layout } from './layout.js';
import { isProcessOwner, livenessOf, type Liveness } from './process-owner.js';
import { tellUnread, type Unseen } from './unread.js';

/** What another machine left is taken for garbage when it was not touched for this long. */
const foreignMs = 7 * 24 * 3600 * 1000;

/** Removes a path below the cache with all that it holds. Files may belong to subordinate ids: then it runs in a user namespace. */
export type RemoveTree = (path: string) => Promise<void>;

/** A file of this size is gone in microseconds, a disk image is not. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Plain removal: enough for everything but the files of layers that were built without root. What a collection removes is mostly small
 * files, thousands of them: they go synchronously, because asynchronously each takes ten times as long.
 */
export const removeTree: RemoveTree = async (path) => {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry?.isFile() === true && entry.size < SMALL_BYTES) removeFile(path);
  else await rm(path, { recursive: true, force: true, maxRetries: 2 });
};

/** Removes a file or a link, at once. @returns false when it was gone already. */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Removes what ended processes left in `.ict/tmp`, the scratch directory, `.ict/trash` and `.ict/locks`, what they were putting among
 * images and packages, and what this layout put into the trash. What belongs to a living process stays, and so does anything recent of
 * another machine, or of unknown make.
 *
 * @param now seconds since 1970, to judge the age of what other machines left.
 * @returns how many entries were removed, and which could not be, or which directories could not be looked into.
 */
export async function reap(
  layout: Layout,
  remove: RemoveTree,
  now: number,
): Promise<{ readonly removed: number; readonly failed: readonly string[] }> {
  let removed = 0;
  const failed: string[] = [];
  const unseen: Unseen = (path) => void failed.push(path);
  const known = new Map<string, Liveness>();
  const below = (name: string): readonly string[] => layout.roots.map((root) => join(root, name));
  const locks = new Set(below('locks'));
  const packages = join(layout.cacheDir, 'pkgCache');
  const providers = (await listIfPresent(packages, unseen)).map((name) => join(packages, name));
  // What is being put among these is hidden there.
  const hiding = new Set([join(layout.cacheDir, 'imageCache'), ...providers]);
  for (const directory of new Set([...below('tmp'), layout.scratchRoot, ...below('trash'), ...locks, ...hiding])) {
    for (const name of await listIfPresent(directory, unseen)) {
      const path = join(directory, name);
      if (hiding.has(directory) && !name.startsWith('.')) continue;
      const plain = hiding.has(directory) ? name.slice(1) : name;
      const owner = plain.split('.')[0] ?? '';
      if (locks.has(directory) && !name.endsWith('.tmp')) continue; // void leases are broken by whoever wants the lock
      if (!isProcessOwner(owner) || (owner === layout.owner && !layout.isOwnTrash(plain))) continue;
      const liveness = owner === layout.owner ? 'dead' : (known.get(owner) ?? livenessOf(owner));
      known.set(owner, liveness);
      if (liveness === 'alive') continue;
      try {
        if (liveness === 'unknown' && !(await isAbandoned(path, foreignMs, now, layout))) continue;
        await remove(path);
        removed += 1;
      } catch (error) {
        if (systemErrorOf(error) === undefined && !isIctError(error)) throw error;
        // The caller decides whether to say so; the next run tries again.
        failed.push(path);
      }
    }
  }
  return { removed, failed };
}

async function listIfPresent(directory: string, unseen: Unseen): Promise<readonly string[]> {
  return (await readdir(directory).catch((error: unknown) => tellUnread(directory, unseen, error))) ?? [];
}
