import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { fileTime } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { sandboxError } from '../errors.js';
import type { Attributes } from '../protocol.js';

/** An open(2) flag that Node does not name: a handle on a place, not on its content. The value is the same on every Linux that we run on. */
const O_PATH = 0o10000000;
const DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const MAX_LINKS = 40;

/** A place inside a tree: an open directory and a name in it, so that a rename elsewhere cannot redirect it. */
export interface TreePlace {
  /** `/proc/self/fd/N`: the open directory. */
  readonly directory: string;
  /** Name in that directory; `.` when the place is a directory itself (the root, or where a link ended). */
  readonly name: string;
  /** `directory/name`: use it only with calls that do not follow a link in the last part. */
  readonly path: string;
  /** What is there, without following a link; undefined when nothing is. */
  readonly stats: Stats | undefined;
  [Symbol.dispose](): void;
}

export interface LocateOptions {
  /** Follow a symbolic link in the last part too. */
  readonly follow: boolean;
  /** Make missing directories on the way, with these attributes. */
  readonly parents?: Attributes;
}

/** Splits a path given by a caller. @throws `ICT_TREE_PATH` unless it is absolute and free of `..` and NUL. */
export function treePathParts(path: string): string[] {
  if (!path.startsWith('/')) throw badPath(path, 'it is not absolute');
  if (path.includes('\0')) throw badPath(path, 'it has a NUL byte');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw badPath(path, 'it has a ".." part');
  return parts;
}

/** The error for a path that cannot be used. */
export function badPath(path: string, reason: string): Error {
  return sandboxError('ICT_TREE_PATH', {
    message: `${JSON.stringify(path)} cannot be used inside the tree: ${reason}`,
    hint: 'Give an absolute path of the image, such as /etc/hostname, without "..".',
    facts: { path, reason },
  });
}

/** Runs `work`; errors of the file system become `ICT_TREE_IO` and name the path as the tree knows it. */
export async function treeIo<T>(action: string, path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isIctError(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw sandboxError('ICT_TREE_IO', {
      message: `Cannot ${action} ${path} in the tree: ${message}`,
      hint: code === 'ENOSPC' ? 'Free some space in the work directory.' : 'See what the image has at that path.',
      facts: { path, action, errno: code },
      cause: error,
    });
  }
}

/**
 * Finds a place inside the tree at `root`. Each part is opened below the one before, and links are resolved against `root`, so
 * that neither a link nor a change made meanwhile leads outside.
 *
 * @returns undefined when a directory on the way is missing and `parents` is not given.
 * @throws `ICT_TREE_PATH` for a bad path, a loop of links or a part that is not a directory; Node's own error otherwise.
 */
export function locate(root: string, path: string, options: LocateOptions): TreePlace | undefined {
  const pending = treePathParts(path).reverse();
  const open: number[] = [openSync(root, O_PATH | constants.O_DIRECTORY)];
  const closeAll = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  const here = (): string => `/proc/self/fd/${open[open.length - 1]}`;
  const place = (name: string, stats: Stats | undefined): TreePlace => {
    const directory = here();
    return { directory, name, path: `${directory}/${name}`, stats, [Symbol.dispose]: closeAll };
  };
  let links = 0;
  try {
    for (;;) {
      const part = pending.pop();
      if (part === undefined) return place('.', lstatSync(`${here()}/.`));
      if (part === '..') {
        if (open.length > 1) closeSync(open.pop() as number);
        continue;
      }
      const full = `${here()}/${part}`;
      const last = pending.length === 0;
      let stats = lstatSync(full, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink() === true && (!last || options.follow)) {
        if (++links > MAX_LINKS) throw badPath(path, 'it leads through too many symbolic links');
        const target = readlinkSync(full);
        if (target.startsWith('/')) for (const fd of open.splice(1)) closeSync(fd);
        pending.push(
          ...target
            .split('/')
            .filter((name) => name !== '' && name !== '.')
            .reverse(),
        );
        continue;
      }
      if (last) return place(part, stats);
      if (stats === undefined) {
        if (options.parents === undefined) {
          closeAll();
          return undefined;
        }
        makeDirectoryAt(full, options.parents);
        stats = lstatSync(full);
      }
      if (!stats.isDirectory()) throw badPath(path, `${JSON.stringify(part)} is not a directory`);
      open.push(openSync(full, DIRECTORY));
    }
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** Makes one directory with exactly these attributes. The last part of `path` must not exist. */
export function makeDirectoryAt(path: string, attributes: Attributes): void {
  mkdirSync(path, 0o700);
  setDirectoryAttributes(path, attributes);
}

/** Gives a directory exactly these attributes, through an open descriptor, so that no link is followed. */
export function setDirectoryAttributes(path: string, attributes: Attributes): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    setAttributes(fd, attributes);
  } finally {
    closeSync(fd);
  }
}

/** Owner first: changing it clears setuid and setgid. */
export function setAttributes(fd: number, attributes: Attributes): void {
  fchownSync(fd, attributes.uid, attributes.gid);
  fchmodSync(fd, attributes.mode);
  const time = fileTime(attributes.mtimeSeconds);
  futimesSync(fd, time, time);
}
