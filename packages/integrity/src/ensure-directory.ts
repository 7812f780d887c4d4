import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync, readdirSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, ignoreSystemError } from './system-error.js';

/**
 * Makes a directory that users share, and those above it; nothing happens when it exists. Unlike `mkdir` with `recursive`, it says
 * `EROFS` on a read-only file system, where Node says `ENOENT`. As far as the system lets it, what is made is open to whom the directory above
 * is: what root makes in a directory of another user is that user's, as whoever runs `sudo` now and then could otherwise not write there any
 * more, and what anybody makes in a directory that a group shares (setgid, writable, not sticky) is the group's to write, whatever the umask.
 *
 * Called before nearly every write, so it is synchronous: a trip through Node's thread pool takes many times as long.
 *
 * @throws Node's own error; `EPERM` where a directory is in which none can be made, as in `/proc`: the system says `ENOENT`.
 */
export function ensureDirectory(path: string): void {
  make(path, 0o777, shareAsAbove);
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
  // As nearly always; to be told by an error takes ten times as long.
  if (isDirectory(path)) return;
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

/**
 * Whoever may write in the directory above may put something else in the place of what was made. So nobody gains a power by this, and only an
 * empty directory that is still there is shared.
 */
function shareAsAbove(path: string): void {
  const own = process.geteuid?.();
  if (own === undefined) return;
  const isGiven = (above: Stats): boolean => own === 0 && above.uid !== 0;
  try {
    const seen = statSync(dirname(path));
    if (!isGiven(seen) && !isOfGroup(seen)) return;
    withDirectory(dirname(path), 0, (parent, held) => {
      const above = fstatSync(parent);
      withDirectory(join(held, basename(path)), constants.O_NOFOLLOW, (directory, inside) => {
        const made = fstatSync(directory);
        if (made.uid !== own || made.dev !== above.dev || readdirSync(inside).length > 0) return;
        if (isOfGroup(above) && made.gid === above.gid) fchmodSync(directory, (made.mode & 0o7777) | (above.mode & 0o070));
        if (isGiven(above)) fchownSync(directory, above.uid, above.gid);
      });
    });
  } catch (error) {
    ignoreSystemError(error); // it stays as it was made
  }
}

const GROUP_WRITES = constants.S_IWGRP | constants.S_IXGRP;
const SETGID = 0o2000;
const STICKY = 0o1000;

/** Whether a group shares a directory: what is made there is the group's, and each member may rename what another made. */
function isOfGroup({ mode }: Stats): boolean {
  return (mode & (GROUP_WRITES | SETGID | STICKY)) === (GROUP_WRITES | SETGID);
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
