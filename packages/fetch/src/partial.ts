import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentAlgorithm, Digest } from '@ict/plugin-api';
import { ContentHasher, digestAlgorithm, errnoOf } from '@ict/integrity';

const copyBytes = 1024 * 1024;
/** A download waits while so much waits to be written. */
const waitingBytes = 1024 * 1024;
/** Partial downloads that nobody continued for this long are removed. */
const staleMs = 7 * 24 * 3600 * 1000;

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
   * Takes bytes over, which the caller must not change afterwards. They are written at once, or with what else comes while a write is
   * under way: one write for each piece that a socket gives would cost more than the download.
   */
  append(chunk: Uint8Array): Promise<void>;
  /** Returns when the file has every byte. @throws what a write failed with. */
  flush(): Promise<void>;
  /** Empties it, for another attempt from the first byte. */
  restart(): Promise<void>;
  /** Closes the file, with every byte, and leaves it where it is. */
  close(): Promise<void>;
  /** Closes and removes it. */
  discard(): Promise<void>;
}

function processOwner(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold blanks and parentheses; the start time is the 20th field after it.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return `${boot}-${pid}-${started}`;
  } catch {
    // No such process, or a system without /proc, where every other process counts as ended: claiming copies, so that is safe.
    return undefined;
  }
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
  readonly #handle: FileHandle;
  #closed = false;
  #written = 0;
  #waiting: Uint8Array[] = [];
  /** The write that is under way, or the failure of the last. */
  #writing: Promise<void> | undefined;

  constructor(path: string, handle: FileHandle, algorithm: ContentAlgorithm) {
    this.path = path;
    this.#algorithm = algorithm;
    this.hasher = new ContentHasher(algorithm);
    this.#handle = handle;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#waiting.push(chunk);
    this.hasher.update(chunk);
    this.#writing ??= this.#write();
    this.#writing.catch(() => undefined); // whoever waits for it next sees it
    if (this.hasher.sizeBytes - this.#written >= waitingBytes) await this.flush();
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Writes until nothing waits. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Uint8Array) : Buffer.concat(this.#waiting);
      this.#waiting = [];
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#written);
        done += bytesWritten;
        this.#written += bytesWritten;
      }
    }
    this.#writing = undefined;
  }

  /** Lets what waits go, and waits for the write that is under way. */
  async #drop(): Promise<void> {
    this.#waiting = [];
    await this.#writing?.catch(() => undefined); // nobody wants these bytes any more
    this.#writing = undefined;
  }

  async restart(): Promise<void> {
    await this.#drop();
    this.#written = 0;
    await this.#handle.truncate(0);
    this.hasher = new ContentHasher(this.#algorithm);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#handle.close();
    }
  }

  async discard(): Promise<void> {
    await this.#drop();
    await this.close();
    await unlink(this.path);
  }
}

/**
 * Partial downloads below `directory`. A process takes over what an ended one left by renaming it (only one can win), and copies
 * it while hashing: should its former owner still live on another machine, its late writes go nowhere.
 */
export function createPartialStore(directory: string): PartialStore {
  const owner = processOwner(process.pid) ?? `00000000-${process.pid}-${randomBytes(4).toString('hex')}`;
  let reaped: Promise<void> | undefined;

  const fresh = (key: string): string => join(directory, `${key}.${owner}.${randomBytes(6).toString('hex')}.part`);

  /** Removes what was left long ago by processes that have ended. */
  async function reap(): Promise<void> {
    await mkdir(directory, { recursive: true });
    const limit = Date.now() - staleMs;
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (!isAbandoned(name)) continue;
      const entry = await stat(path).catch(() => undefined); // another process may have claimed it
      if (entry !== undefined && entry.mtimeMs < limit) await unlink(path).catch(() => undefined); // as above
    }
  }

  /** @returns the largest file left for `key`, now ours alone. */
  async function claim(key: string): Promise<string | undefined> {
    const names = readdirSync(directory).filter((name) => name.startsWith(`${key}.`) && isAbandoned(name));
    const sized = await Promise.all(
      names.map(async (name) => ({ name, size: (await stat(join(directory, name)).catch(() => undefined))?.size ?? 0 })), // claimed meanwhile
    );
    for (const { name } of sized.sort((a, b) => b.size - a.size)) {
      const path = fresh(key);
      try {
        await rename(join(directory, name), path);
        return path;
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
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
      const path = fresh(key);
      const partial = new PartialFile(path, await open(path, 'wx+', 0o600), digest === undefined ? 'sha256' : digestAlgorithm(digest));
      if (digest === undefined) return partial; // without a digest nothing says that an old part belongs to today's file
      const left = await claim(key);
      if (left === undefined) return partial;
      try {
        await using source = await open(left, 'r');
        for (;;) {
          const chunk = Buffer.allocUnsafe(copyBytes);
          const { bytesRead } = await source.read(chunk, 0, copyBytes, null);
          if (bytesRead === 0) break;
          if (partial.hasher.sizeBytes + bytesRead > maxBytes) {
            await partial.restart();
            break;
          }
          await partial.append(chunk.subarray(0, bytesRead));
        }
        await unlink(left);
      } catch (error) {
        await partial.discard();
        throw error;
      }
      return partial;
    },
  };
}
