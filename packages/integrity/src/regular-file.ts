import { constants } from 'node:buffer';
import { readFileSync, statfsSync, statSync, type Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';

/**
 * Call it before a file is opened that somebody may have replaced: to open a FIFO is to wait until another process writes to it, for ever as a
 * rule; a device may never end, and to open one may do something. It looks first, because a file that others of its network have leased is not
 * opened at all by who will not wait.
 *
 * @param path of which a link is followed. Where nothing is, or a directory, nothing happens: whoever opens it is told.
 * @throws `ENXIO`, as the system itself says of a socket, for a FIFO, a socket or a device; Node's own errors.
 */
export function refuseSpecialFile(path: string): void {
  lookAtFile(path);
}

/** The type of the file system whose only files are pipes without a name. @see statfs(2) */
const PIPEFS = 0x50495045;

/**
 * Call it before a file is opened that a user names, which may well be a device or a pipe: only to open a FIFO that has a name is to wait. The
 * pipe of a shell's `<(command)`, and of standard input, is opened at once.
 *
 * @param path of which a link is followed. Where nothing is, nothing happens.
 * @throws `ENXIO` for a FIFO that has a name; Node's own errors.
 */
export function refuseNamedPipe(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFIFO() !== true || statfsSync(path).type === PIPEFS) return;
  throw noFile('a FIFO in the place of a file', path);
}

/**
 * All of a file in a place where something else may lie, which is never waited for.
 *
 * @throws Node's own errors; as {@link refuseSpecialFile}, also for a file that is too large to be a text: what ict keeps never is, and
 * one full of holes costs nothing to make.
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  refuseUnlikeText(path);
  return readFile(path);
}

/**
 * As {@link readRegularFile}, where often nothing is: to be told so by an error, from another thread, takes longer than to read a small file.
 *
 * @returns undefined where nothing is.
 */
export async function readPresentFile(path: string): Promise<Buffer | undefined> {
  return refuseUnlikeText(path) === undefined ? undefined : readFile(path);
}

/** As {@link readRegularFile}, at once. */
export function readRegularFileSync(path: string): Buffer {
  refuseUnlikeText(path);
  return readFileSync(path);
}

function refuseUnlikeText(path: string): Stats | undefined {
  const entry = lookAtFile(path);
  if (entry?.isFile() === true && entry.size > constants.MAX_STRING_LENGTH) throw noFile('a file that is too large', path);
  return entry;
}

function lookAtFile(path: string): Stats | undefined {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined || entry.isFile() || entry.isDirectory()) return entry;
  throw noFile('a FIFO, socket or device in the place of a file', path);
}

function noFile(what: string, path: string): Error {
  return Object.assign(new Error(`ENXIO: ${what}, open '${path}'`), { code: 'ENXIO', path });
}
