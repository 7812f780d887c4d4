import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  realpathSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileTime } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { findProgram } from './codec-program.js';
import { archiveError } from './errors.js';
import { isHole, wholeContent } from './tar-body.js';
import type { TarEntry } from './tar-entry.js';
import { checkRoot, conflict, TreePaths } from './tree-path.js';

export interface ExtractOptions {
  /** Give files the owners that the archive says. Needs root, at least in the user namespace. */
  readonly owners: boolean;
  /** No file gets a later time than this, seconds since 1970. */
  readonly clampMtimeSeconds?: number;
  /** Device nodes and fifos: `refuse` (the default) or make them with `mknod`, which needs root outside any user namespace. */
  readonly devices?: 'refuse' | 'create';
  /** Entries that are passed over; default: none. */
  readonly except?: (entry: TarEntry) => boolean;
  readonly signal?: AbortSignal;
}

/** An entry whose extended attributes were not set: Node cannot. The caller decides what to do. */
export interface UnsetXattrs {
  /** Below the root, without a slash at its start; `.` is the root. */
  readonly path: string;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export interface ExtractReport {
  readonly entries: number;
  /** Content written, holes included. */
  readonly sizeBytes: number;
  readonly withXattrs: readonly UnsetXattrs[];
}

interface DirectoryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

/** For directories that no member describes. */
const IMPLIED_MODE = 0o755;

/**
 * Unpacks entries below `root`, which must exist, and never outside it.
 *
 * - A name with `..` is refused. Symbolic links on the way are followed as if `root` were `/`; one that climbs above it is refused.
 * - A directory member where a link to a directory stands keeps the link, as dpkg and `tar --keep-directory-symlink` do, and leaves that
 *   directory's attributes alone. Anything else under a member's name is replaced; a directory only when it is empty.
 * - Modes are set exactly (with setuid, setgid and sticky), whatever the umask; times in whole seconds, of links too, and of directories
 *   after all else. Directories that the archive implies but does not describe get 0755, owner 0:0 and the time of the entry that implied
 *   them.
 * - Extended attributes are not set; the report lists them. Packages of Debian carry none.
 *
 * Holes of sparse files stay holes. Existing files are unlinked first, so other links to them keep their content.
 *
 * System calls are made synchronously: for many small files this is several times faster, and it runs in a process of its own.
 *
 * @throws `ICT_ARCHIVE_ESCAPE`, `ICT_ARCHIVE_CONFLICT`, `ICT_ARCHIVE_LINK` (a hard link to nothing or to a directory),
 *   `ICT_ARCHIVE_DEVICE`, `ICT_ARCHIVE_WRITE` (what the system refuses), `ICT_ARCHIVE_PROGRAM_MISSING` (mknod); what `entries` throws;
 *   the signal's reason. What was unpacked until then stays.
 */
export async function extractTree(entries: AsyncIterable<TarEntry>, root: string, options: ExtractOptions): Promise<ExtractReport> {
  checkRoot(root);
  const extractor = new Extractor(realpathSync(root), options);
  let count = 0;
  for await (const entry of entries) {
    options.signal?.throwIfAborted();
    if (options.except?.(entry) === true) continue;
    await extractor.add(entry);
    count++;
  }
  extractor.finish();
  return { entries: count, sizeBytes: extractor.sizeBytes, withXattrs: extractor.withXattrs };
}

class Extractor {
  readonly withXattrs: UnsetXattrs[] = [];
  sizeBytes = 0;
  readonly #options: ExtractOptions;
  readonly #paths: TreePaths;
  /** By real path, in the order of first mention; set at the end. */
  readonly #directories = new Map<string, DirectoryAttributes>();
  #current: TarEntry | undefined;

  constructor(root: string, options: ExtractOptions) {
    this.#options = options;
    this.#paths = new TreePaths(root, (directory) => {
      const mtimeSeconds = this.#current?.mtimeSeconds ?? 0;
      this.#directories.set(directory, { mode: IMPLIED_MODE, uid: 0, gid: 0, mtimeSeconds });
    });
  }

  async add(entry: TarEntry): Promise<void> {
    this.#current = entry;
    try {
      const place = this.#paths.place(entry.path);
      if (entry.type !== 'directory' && this.#paths.parts(entry.path).length === 0)
        throw conflict(entry.path, 'only a directory can be the root');
      switch (entry.type) {
        case 'directory':
          this.#addDirectory(entry, place);
          break;
        case 'file':
          await this.#addFile(entry, place);
          break;
        case 'symlink':
          this.#clear(entry, place);
          symlinkSync(entry.linkTarget ?? '', place);
          if (this.#options.owners) lchownSync(place, entry.uid, entry.gid);
          lutimesSync(place, this.#time(entry), this.#time(entry));
          break;
        case 'hardlink':
          this.#addHardLink(entry, place);
          break;
        case 'character':
        case 'block':
        case 'fifo':
          await this.#addDevice(entry, place);
          break;
      }
      if (entry.xattrs.size > 0) this.withXattrs.push({ path: this.#paths.parts(entry.path).join('/') || '.', xattrs: entry.xattrs });
    } catch (error) {
      throw named(error, entry.path);
    }
  }

  /** Sets what had to wait: a directory's mode may forbid writing into it, and its time changes with each new name. */
  finish(): void {
    // Deepest first, so that a directory without search permission hides nothing that is still to be set.
    const deepestFirst = [...this.#directories].sort(([a], [b]) => depth(b) - depth(a));
    for (const [directory, attributes] of deepestFirst) {
      try {
        if (this.#options.owners) lchownSync(directory, attributes.uid, attributes.gid);
        chmodSync(directory, attributes.mode);
        const time = this.#time(attributes);
        utimesSync(directory, time, time);
      } catch (error) {
        throw named(error, directory);
      }
    }
  }

  #addDirectory(entry: TarEntry, place: string): void {
    const there = lstatSync(place, { throwIfNoEntry: false });
    if (there?.isSymbolicLink() === true && this.#paths.leadsToDirectory(place, entry.path)) return;
    if (there?.isDirectory() !== true) {
      this.#clear(entry, place);
      mkdirSync(place, 0o700);
    }
    this.#directories.set(place, { mode: entry.mode, uid: entry.uid, gid: entry.gid, mtimeSeconds: entry.mtimeSeconds });
  }

  async #addFile(entry: TarEntry, place: string): Promise<void> {
    this.#clear(entry, place);
    // `wx` never follows a link.
    const file = openSync(place, 'wx', 0o600);
    try {
      let at = 0;
      let endsInHole = false;
      const whole = wholeContent(entry.content);
      for await (const chunk of whole === undefined ? entry.content : [whole]) {
        endsInHole = isHole(chunk);
        for (let written = 0; written < chunk.length && !endsInHole; ) {
          written += writeSync(file, chunk, written, chunk.length - written, at + written);
        }
        at += chunk.length;
      }
      if (endsInHole) ftruncateSync(file, at);
      this.sizeBytes += at;
      // chown takes setuid away, so the mode comes after it.
      if (this.#options.owners) fchownSync(file, entry.uid, entry.gid);
      fchmodSync(file, entry.mode);
      futimesSync(file, this.#time(entry), this.#time(entry));
    } finally {
      closeSync(file);
    }
  }

  #addHardLink(entry: TarEntry, place: string): void {
    const target = entry.linkTarget ?? '';
    const source = this.#paths.place(target);
    const stats = lstatSync(source, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) {
      throw archiveError('ICT_ARCHIVE_LINK', {
        message: `"${entry.path}" is a hard link to "${target}", which is ${stats === undefined ? 'not there' : 'a directory'}`,
        hint: 'The archive is incomplete or in the wrong order: fetch it again.',
        facts: { path: entry.path, target },
      });
    }
    if (source === place) return;
    this.#clear(entry, place);
    linkSync(source, place);
  }

  async #addDevice(entry: TarEntry, place: string): Promise<void> {
    if ((this.#options.devices ?? 'refuse') === 'refuse') {
      throw archiveError('ICT_ARCHIVE_DEVICE', {
        message: `"${entry.path}" is a ${entry.type === 'fifo' ? 'fifo' : `${entry.type} device`}, which may not be unpacked here`,
        hint: 'Packages make devices through udev or a maintainer script; remove it from the archive.',
        facts: { path: entry.path, type: entry.type },
      });
    }
    const mknod = findProgram('mknod');
    if (mknod === undefined) {
      throw archiveError('ICT_ARCHIVE_PROGRAM_MISSING', {
        message: `The program mknod is needed to make "${entry.path}", and is not installed`,
        hint: 'Install the package coreutils.',
        facts: { program: 'mknod' },
      });
    }
    this.#clear(entry, place);
    const kind =
      entry.type === 'fifo' ? ['p'] : [entry.type === 'block' ? 'b' : 'c', String(entry.devMajor ?? 0), String(entry.devMinor ?? 0)];
    try {
      await promisify(execFile)(mknod, [place, ...kind], { env: { LC_ALL: 'C' } });
    } catch (cause) {
      throw archiveError('ICT_ARCHIVE_WRITE', {
        message: `"${entry.path}" could not be made: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: 'Devices can be made by root outside of user namespaces only.',
        facts: { path: entry.path },
        cause,
      });
    }
    if (this.#options.owners) lchownSync(place, entry.uid, entry.gid);
    chmodSync(place, entry.mode);
    utimesSync(place, this.#time(entry), this.#time(entry));
  }

  /** Removes what stands under a member's name. */
  #clear(entry: TarEntry, place: string): void {
    const there = lstatSync(place, { throwIfNoEntry: false });
    if (there === undefined) return;
    if (!there.isDirectory()) {
      unlinkSync(place);
      if (there.isSymbolicLink()) this.#paths.forget();
      return;
    }
    try {
      rmdirSync(place);
    } catch (cause) {
      throw conflict(entry.path, 'a directory with files in it stands there', cause);
    }
    this.#directories.delete(place);
    this.#paths.forget();
  }

  #time({ mtimeSeconds }: { readonly mtimeSeconds: number }): Date {
    return fileTime(Math.min(mtimeSeconds, this.#options.clampMtimeSeconds ?? Infinity));
  }
}

function depth(path: string): number {
  return path.split('/').length;
}

/** What the system refuses becomes ours; errors of the source and our own stay. */
function named(error: unknown, path: string): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).syscall : undefined;
  if (isIctError(error) || code === undefined) return error;
  const { code: errno, message } = error as NodeJS.ErrnoException;
  return archiveError('ICT_ARCHIVE_WRITE', {
    message: `"${path}" could not be unpacked: ${message}`,
    hint: hintFor(error as NodeJS.ErrnoException),
    facts: { path, errno },
    cause: error,
  });
}

function hintFor({ code, syscall = '' }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC') return 'Free space in the work directory.';
  if (code === 'ENAMETOOLONG') return 'Shorten the name or the link in the archive: Linux takes 255 bytes a part and 4095 in all.';
  // The kernel says so of ids that a user namespace does not have.
  if (code === 'EINVAL' && syscall.endsWith('chown'))
    return 'Its owner or group has a number above 65535, as only root can give: build as root, or pack it anew.';
  return 'Check the permissions and the file system of the work directory.';
}
