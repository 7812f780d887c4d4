import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './storage-failure.js';

/**
 * Makes a directory and those above it; nothing happens when it exists. Unlike `mkdir` with `recursive`, it says `EROFS` on a
 * read-only file system, where Node says `ENOENT`.
 *
 * @param mode of directories that are made, before the umask; default 0o777.
 * @throws Node's own error.
 */
export async function ensureDirectory(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === 'ENOENT' && dirname(path) !== path) {
      await ensureDirectory(dirname(path), mode);
      await ensureDirectory(path, mode); // its parent is there now
    } else if (reason === 'EEXIST' || reason === 'EROFS' || reason === 'EACCES') {
      // A directory that exists is enough, even where none could be made.
      if (!(await isDirectory(path))) throw reason === 'EEXIST' ? notDirectory(path, error) : error;
    } else {
      throw error;
    }
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function notDirectory(path: string, cause: unknown): Error {
  return Object.assign(new Error(`ENOTDIR: ${path} is not a directory`, { cause }), { code: 'ENOTDIR', path });
}
