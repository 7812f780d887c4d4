import { closeSync, constants, fchownSync, fstatSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, ignoreSystemError } from './system-error.js';

/**
 * Makes a directory that users share, and those above it; nothing happens when it exists. Unlike `mkdir` with `recursive`, it says
 * `EROFS` on a read-only file system, where Node says `ENOENT`. What root makes in a directory of another user is that user's, as far as the
 * system lets it: whoever runs `sudo` now and then could otherwise not write there any more.
 *
 * Called before nearly every write, so it is synchronous: a trip through Node's thread pool takes many times as long.
 *
 * @throws Node's own error; `EPERM` where a directory is in which none can be made, as in `/proc`: the system says `ENOENT`.
 */
export function ensureDirectory(path: string): void {
  make(path, 0o777, giveToOwnerAbove);
}

/**
 * As {@link ensureDirectory}, but what is made is this user's, wherever it lies.
 *
 * @param mode of directories that are made, before the umask; default 0o777.
 */
export function ensureOwnDirectory(path: string, mode = 0o777): void {
  make(path, mode, () => undefined);
}

/** How often the directory above is made: another process may remove one that is empty. */
const ATTEMPTS = 8;

function make(path: string, mode: number, made: (path: string) => void, attempts = ATTEMPTS): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const reason = errnoOf(error);
    if (reason === 'ENOENT' && dirname(path) !== path) {
      if (attempts === 0) throw noneThere(path, error);
      make(dirname(path), mode, made);
      make(path, mode, made, attempts - 1); // its parent is there now
    } else if (reason === 'EEXIST' || reason === 'EROFS' || reason === 'EACCES') {
      // A directory that exists is enough, even where none could be made.
      if (!isDirectory(path)) throw reason === 'EEXIST' ? notDirectory(path, error) : error;
    } else {
      throw error;
    }
    return;
  }
  made(path);
}

/** The user of the directory above may put something else in the place of what was made: only an empty directory that is still there is given away. */
function giveToOwnerAbove(path: string): void {
  if (process.geteuid?.() !== 0) return;
  try {
    if (statSync(dirname(path)).uid === 0) return;
    withDirectory(dirname(path), 0, (above, held) => {
      const { uid, gid, dev } = fstatSync(above);
      withDirectory(join(held, basename(path)), constants.O_NOFOLLOW, (directory, inside) => {
        const stats = fstatSync(directory);
        if (stats.uid === 0 && stats.dev === dev && readdirSync(inside).length === 0) fchownSync(directory, uid, gid);
      });
    });
  } catch (error) {
    ignoreSystemError(error); // it stays root's
  }
}

/** @param use gets the open directory, and a path that leads to it whatever its name is by now. */
function withDirectory(path: string, flags: number, use: (directory: number, held: string) => void): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | flags);
  try {
    use(directory, `/proc/self/fd/${directory}`);
  } finally {
    closeSync(directory);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function noneThere(path: string, cause: unknown): Error {
  return Object.assign(new Error(`EPERM: no directory can be made there, mkdir '${path}'`, { cause }), { code: 'EPERM', path });
}

function notDirectory(path: string, cause: unknown): Error {
  return Object.assign(new Error(`ENOTDIR: ${path} is not a directory`, { cause }), { code: 'ENOTDIR', path });
}
