import { createHash, randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, lstatSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { copyFile, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentAlgorithm, Digest, FileState } from '@ict/plugin-api';
import {
  ContentHasher,
  digestAlgorithm,
  ensureDirectory,
  errnoOf,
  fileStateOf,
  ignoreSystemError,
  isRefusal,
  machineStart,
  moveFile,
  processStart,
} from '@ict/integrity';

const copyBytes = 1024 * 1024;
/** Partial downloads that nobody continued for this long are removed. */
const staleMs = 7 * 24 * 3600 * 1000;
/** Longer than a download waits for its next byte, with all its retries. */
const quietMs = 15 * 60 * 1000;

/** What a directory of partial downloads offers. Names are `{key}.{boot}-{pid}-{start}.{random}.part`. */
export interface PartialStore {
  /** A new file for a download, filled with what an ended process left of the same one, hashed on the way by the algorithm of `digest`. */
  open(url: string, digest: Digest | undefined, maxBytes: number): Promise<PartialDownload>;
}

/** The file of one download. Only this process writes to it. */
export interface PartialDownload {
  readonly path: string;
  /** Bytes so far, and their running digest. */
  readonly hasher: ContentHasher;
  /**
   * Digests and writes a piece, before it returns: into memory of the system that takes less than to wait for another thread, for which pieces would
   * also have to be kept or copied.
   *
   * @throws Node's own error when it cannot be written.
   */
  append(piece: Uint8Array): void;
  /** Empties it, for another attempt from the first byte. */
  restart(): void;
  /** Closes the file and leaves it where it is. */
  close(): void;
  /**
   * Closes the file, which has every byte, and moves it.
   *
   * @returns the state in which it holds the bytes that were digested; undefined when it had to be copied.
   */
  moveTo(path: string): Promise<FileState | undefined>;
  /** Closes and removes it. */
  discard(): void;
}

function processOwner(pid: number): string | undefined {
  const [boot, started] = [machineStart()?.slice(0, 8), processStart(pid)];
  // No such process, or a system without /proc, where every other process counts as ended: claiming copies, so that is safe.
  return boot === undefined || started === undefined ? undefined : `${boot}-${pid}-${started}`;
}

/** True when the process that wrote a partial file has ended, as far as this machine can tell. */
function isAbandoned(name: string): boolean {
  const owner = name.split('.')[1] ?? '';
  const pid = Number(owner.split('-')[1]);
  if (!name.endsWith('.part') || !Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  return processOwner(pid) !== owner;
}

class PartialFile implements PartialDownload {
  readonly path: string;
  hasher: ContentHasher;
  readonly #algorithm: ContentAlgorithm;
  readonly #descriptor: number;
  #closed = false;

  /** @param path at which nothing is yet. @throws Node's own error. */
  constructor(path: string, algorithm: ContentAlgorithm) {
    this.path = path;
    this.#algorithm = algorithm;
    this.hasher = new ContentHasher(algorithm);
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  append(piece: Uint8Array): void {
    const { sizeBytes } = this.hasher;
    for (let done = 0; done < piece.length; ) {
      done += writeSync(this.#descriptor, piece, done, piece.length - done, sizeBytes + done);
    }
    this.hasher.update(piece); // what is counted is in the file
  }

  restart(): void {
    ftruncateSync(this.#descriptor, 0);
    this.hasher = new ContentHasher(this.#algorithm);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }

  async moveTo(path: string): Promise<FileState | undefined> {
    const moved = await moveFile(this.path, path).catch(async (error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await copyFile(`/proc/self/fd/${this.#descriptor}`, path); // taken over by someone who does not see this process: what is open is still there
      return false;
    });
    this.close();
    if (!moved) return undefined;
    const state = fileStateOf(statSync(path, { bigint: true }));
    return state.sizeBytes === this.hasher.sizeBytes ? state : undefined;
  }

  discard(): void {
    this.close();
    rmSync(this.path, { force: true }); // a collection may have been quicker
  }
}

/** Fills `partial` with what an ended process left, which then goes. What is another user's, or is not to be read any more, is downloaded again. */
async function takeOver(left: string, partial: PartialFile, maxBytes: number): Promise<void> {
  try {
    await using source = await open(left, 'r').catch(ignoreSystemError);
    const chunk = Buffer.allocUnsafe(copyBytes);
    while (source !== undefined) {
      const bytesRead = await source.read(chunk, 0, copyBytes, null).then(
        (read) => read.bytesRead,
        (error: unknown) => ignoreSystemError(error),
      );
      if (bytesRead === undefined || partial.hasher.sizeBytes + bytesRead > maxBytes) {
        partial.restart();
        return;
      }
      if (bytesRead === 0) return;
      partial.append(chunk.subarray(0, bytesRead));
    }
  } finally {
    await unlink(left).catch(ignoreSystemError); // reaped later
  }
}

/**
 * Partial downloads below `directory`. A process takes over what an ended one left by renaming it (only one can win), and copies
 * it while hashing: should its former owner still live where it cannot be seen, its late writes go nowhere. What another machine wrote is taken over only
 * when nothing came for a while.
 */
export function createPartialStore(directory: string): PartialStore {
  const owner = processOwner(process.pid) ?? `00000000-${process.pid}-${randomBytes(4).toString('hex')}`;
  let reaped: Promise<void> | undefined;

  /** Whether a process of another machine, or of before its restart, wrote a file: perhaps it still does, unseen from here. */
  const isElsewhere = (name: string): boolean => name.split('.')[1]?.split('-')[0] !== owner.split('-')[0];

  const fresh = (key: string): string => join(directory, `${key}.${owner}.${randomBytes(6).toString('hex')}.part`);

  function create(key: string, algorithm: ContentAlgorithm): PartialFile {
    try {
      return new PartialFile(fresh(key), algorithm);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      ensureDirectory(directory); // a collection took it away
      return new PartialFile(fresh(key), algorithm);
    }
  }

  /** Removes what was left long ago by processes that have ended. */
  async function reap(): Promise<void> {
    ensureDirectory(directory);
    const limit = Date.now() - staleMs;
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (!isAbandoned(name)) continue;
      const entry = await stat(path).catch(() => undefined); // another process may have claimed it
      if (entry !== undefined && entry.mtimeMs < limit) await unlink(path).catch(() => undefined); // as above
    }
  }

  /** @returns the largest file left for `key`, now ours alone. */
  function claim(key: string): string | undefined {
    const names = readdirSync(directory).filter((name) => name.startsWith(`${key}.`) && isAbandoned(name));
    const found = names.flatMap((name) => {
      const entry = lstatSync(join(directory, name), { throwIfNoEntry: false }); // absent: claimed meanwhile; no file: of no process of ict
      return entry?.isFile() !== true || (isElsewhere(name) && Date.now() - entry.mtimeMs < quietMs) ? [] : [{ name, size: entry.size }];
    });
    for (const { name } of found.sort((a, b) => b.size - a.size)) {
      const path = fresh(key);
      try {
        renameSync(join(directory, name), path);
        return path;
      } catch (error) {
        // Another was quicker; or it is another user's, in a directory where each removes only files of its own.
        if (errnoOf(error) !== 'ENOENT' && !isRefusal(error)) throw error;
      }
    }
    return undefined;
  }

  return {
    async open(url, digest, maxBytes) {
      reaped ??= reap();
      await reaped;
      const key = createHash('sha256')
        .update(`${url}\0${digest ?? ''}`)
        .digest('hex')
        .slice(0, 40);
      const partial = create(key, digest === undefined ? 'sha256' : digestAlgorithm(digest));
      if (digest === undefined) return partial; // without a digest nothing says that an old part belongs to today's file
      try {
        const left = claim(key);
        if (left !== undefined) await takeOver(left, partial, maxBytes);
      } catch (error) {
        partial.discard();
        throw error;
      }
      return partial;
    },
  };
}
