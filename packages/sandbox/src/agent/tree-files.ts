import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFile,
  fstatSync,
  lstatSync,
  lutimesSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { promisify } from 'node:util';
import type { EntryType, TreeEntry } from '@ict/plugin-api';
import { sandboxError } from '../errors.js';
import type { Attributes } from '../protocol.js';
import { runHostProgram } from './host-program.js';
import {
  badPath,
  locate,
  makeDirectoryAt,
  setAttributes,
  setDirectoryAttributes,
  treeIo,
  treePathParts,
  type TreePlace,
} from './tree-path.js';

const copy = promisify(copyFile);

/** A whole file travels as one message; a command of the tree reads larger ones. */
const MAX_READ_BYTES = 256 * 1024 * 1024;

/** File operations below one directory that stands for `/`. Every path is resolved inside it, see {@link locate}. */
export class TreeFiles {
  readonly #root: string;
  readonly #epochSeconds: number;

  constructor(root: string, epochSeconds: number) {
    this.#root = root;
    this.#epochSeconds = epochSeconds;
  }

  /** Replaces or makes a file; a link at `path` is followed. Missing directories above it are made. */
  write(path: string, content: Uint8Array, attributes: Attributes): Promise<void> {
    return treeIo('write', path, () => {
      using place = this.#target(path, true);
      const temporary = `${place.directory}/${temporaryName()}`;
      const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
      try {
        writeFileSync(fd, content);
        setAttributes(fd, attributes);
        renameSync(temporary, place.path);
      } catch (error) {
        unlinkSync(temporary);
        throw error;
      } finally {
        closeSync(fd);
      }
    });
  }

  /** As {@link write}, with the bytes of a host file, cloned where the file system can. */
  copyIn(hostFile: string, path: string, attributes: Attributes): Promise<void> {
    return treeIo('copy a file to', path, async () => {
      if (!statSync(hostFile).isFile()) {
        throw sandboxError('ICT_TREE_IO', {
          message: `${hostFile} cannot be copied to ${path} in the tree: it is not a regular file`,
          hint: 'Name a file; directories are copied file by file.',
          facts: { path, hostFile },
        });
      }
      using place = this.#target(path, true);
      const temporary = `${place.directory}/${temporaryName()}`;
      try {
        await copy(hostFile, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
        const fd = openSync(temporary, constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          setAttributes(fd, attributes);
        } finally {
          closeSync(fd);
        }
        renameSync(temporary, place.path);
      } catch (error) {
        if (lstatSync(temporary, { throwIfNoEntry: false }) !== undefined) unlinkSync(temporary);
        throw error;
      }
    });
  }

  /** @returns the bytes, or undefined when nothing is there. */
  read(path: string): Promise<Buffer | undefined> {
    return treeIo('read', path, () => {
      using place = locate(this.#root, path, { follow: true });
      if (place?.stats === undefined) return undefined;
      // Not blocking: a fifo must not hang the agent.
      const fd = openSync(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const stats = fstatSync(fd);
        if (!stats.isFile()) throw badPath(path, 'it is not a regular file');
        if (stats.size > MAX_READ_BYTES) throw badPath(path, `it is larger than ${MAX_READ_BYTES} bytes`);
        return readFileSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  stat(path: string): Promise<TreeEntry | undefined> {
    return treeIo('look at', path, () => {
      using place = locate(this.#root, path, { follow: false });
      return place?.stats === undefined ? undefined : entryOf(normalised(path), place.path, place.stats);
    });
  }

  /** Entries of a directory (a link to one is followed), sorted by name. */
  list(path: string): Promise<TreeEntry[]> {
    return treeIo('list', path, () => {
      using place = locate(this.#root, path, { follow: true });
      if (place?.stats === undefined) return [];
      if (!place.stats.isDirectory()) throw badPath(path, 'it is not a directory');
      const prefix = normalised(path) === '/' ? '/' : `${normalised(path)}/`;
      return readdirSync(place.path)
        .sort()
        .flatMap((name) => {
          const full = `${place.path}/${name}`;
          const stats = lstatSync(full, { throwIfNoEntry: false });
          return stats === undefined ? [] : [entryOf(`${prefix}${name}`, full, stats)];
        });
    });
  }

  /** Makes a directory and those above it. One that is there stays, and takes the attributes only when `update` says so. */
  makeDirectory(path: string, attributes: Attributes, update: boolean): Promise<void> {
    return treeIo('make directory', path, () => {
      using place = this.#target(path, true);
      if (place.stats === undefined) makeDirectoryAt(place.path, attributes);
      else if (!place.stats.isDirectory()) throw badPath(path, 'something that is not a directory is there');
      else if (update) setDirectoryAttributes(place.path, attributes);
    });
  }

  /** Makes a symbolic link; a file or link at `path` is replaced. The target is stored as given. */
  symlink(target: string, path: string): Promise<void> {
    return treeIo('link', path, () => {
      using place = this.#target(path, false);
      const temporary = `${place.directory}/${temporaryName()}`;
      symlinkSync(target, temporary);
      try {
        lutimesSync(temporary, this.#epochSeconds, this.#epochSeconds);
        renameSync(temporary, place.path);
      } catch (error) {
        unlinkSync(temporary);
        throw error;
      }
    });
  }

  /** Removes what is at `path`, never following a link and never crossing into another file system. */
  remove(path: string): Promise<void> {
    return treeIo('remove', path, async () => {
      if (normalised(path) === '/') throw badPath(path, 'the root itself cannot be removed');
      using place = locate(this.#root, path, { follow: false });
      if (place?.stats === undefined) return;
      if (!place.stats.isDirectory()) return unlinkSync(place.path);
      const end = await runHostProgram(['rm', '-rf', '--one-file-system', '--', `./${place.name}`], { cwd: place.directory });
      if (end.status !== 0) {
        throw sandboxError('ICT_TREE_IO', {
          message: `Cannot remove ${path} in the tree: ${end.stderr}`,
          hint: 'Directories that the sandbox mounts (/dev, /proc, /run, /sys, /tmp) cannot be removed.',
          facts: { path, status: end.status },
        });
      }
    });
  }

  /** A place that something is about to be made at. */
  #target(path: string, follow: boolean): TreePlace {
    const parents = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: this.#epochSeconds };
    // With `parents` no directory can be missing.
    return locate(this.#root, path, { follow, parents }) as TreePlace;
  }
}

function normalised(path: string): string {
  return `/${treePathParts(path).join('/')}`;
}

function temporaryName(): string {
  return `.ict-${randomBytes(8).toString('hex')}.tmp`;
}

function entryOf(path: string, place: string, stats: Stats): TreeEntry {
  const type = entryType(stats);
  const entry = { path, type, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, sizeBytes: stats.size };
  return type === 'symlink' ? { ...entry, linkTarget: readlinkSync(place) } : entry;
}

function entryType(stats: Stats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'socket';
}
