import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '@ict/integrity';

/**
 * Makes a directory and those above it; nothing happens when it exists. Unlike `mkdir` with `recursive`, it says `EROFS` on a
 * read-only file system, where Node says `ENOENT`. Called before nearly every write, so it is one synchronous call: a trip through Node's
 * thread pool takes many times as long.
 *
 * @param mode of directories that are made, before the umask; default 0o777.
 * @throws Node's own error.
 */
export async function ensureDirectory(path: string, mode = 0o777): Promise<void> {
  ensureDirectorySync(path, mode);
}

/** As {@link ensureDirectory}, for what nothing of this process may come between. */
export function ensureDirectorySync(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === 'ENOENT' && dirname(path) !== path) {
      ensureDirectorySync(dirname(path), mode);
      ensureDirectorySync(path, mode); // its parent is there now
    } else if (reason === 'EEXIST' || reason === 'EROFS' || reason === 'EACCES') {
      // A directory that exists is enough, even where none could be made.
      if (!isDirectory(path)) throw reason === 'EEXIST' ? notDirectory(path, error) : error;
    } else {
      throw error;
    }
  }
}

/** Whether a directory is there and belongs to this user. What a link leads to does not: others could have made the link. */
export function isOwnDirectory(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const own = process.geteuid?.();
  return stats?.isDirectory() === true && (own === undefined || stats.uid === own);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function notDirectory(path: string, cause: unknown): Error {
  return Object.assign(new Error(`ENOTDIR: ${path} is not a directory`, { cause }), { code: 'ENOTDIR', path });
}
