import { open, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FetchRequest } from '@ict/plugin-api';
import { ContentHasher, digestAlgorithm, errnoOf, isNoFile, refuseSpecialFile, systemErrorOf, type ContentIdentity } from '@ict/integrity';
import { fetchError } from './errors.js';

const chunkBytes = 1024 * 1024;

/**
 * Copies the file that a `file:` address names to `target`, hashed on the way, within the request's bounds.
 *
 * @throws `ICT_FETCH_NOT_FOUND` when there is no such regular file, `ICT_FETCH_UNREADABLE`, `ICT_FETCH_TOO_LARGE`,
 *   `ICT_FETCH_MISMATCH`, `ICT_FETCH_ADDRESS` for an address with a host, or the signal's reason; Node's own errors for `target`.
 */
export async function copyFileSource(url: URL, request: FetchRequest, target: string, signal: AbortSignal): Promise<ContentIdentity> {
  const source = new FileSource(url, pathOf(url), request);
  await using file = await source.open();
  await using copy = await open(target, 'wx', 0o600);
  const { digest } = request.expect ?? {};
  const hasher = new ContentHasher(digest === undefined ? 'sha256' : digestAlgorithm(digest));
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.reading(() => file.read(chunk, 0, chunkBytes, null));
    if (bytesRead === 0) break;
    source.requireBound(hasher.sizeBytes + bytesRead);
    const piece = chunk.subarray(0, bytesRead);
    await copy.writeFile(piece);
    hasher.update(piece);
  }
  const identity = hasher.finish();
  source.requireSize(identity.sizeBytes); // it may have changed since its size was asked for
  if (digest !== undefined && digest !== identity.digest) throw source.mismatch('digest', digest, identity.digest);
  return identity;
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw fetchError('ICT_FETCH_ADDRESS', {
      message: `${url.href} does not name a file of this machine`,
      hint: 'Write file:///absolute/path.',
      facts: { url: url.href },
      cause,
    });
  }
}

/** A file that is fetched, and what may be wrong with it. */
class FileSource {
  readonly #url: string;
  readonly #path: string;
  readonly #request: FetchRequest;

  constructor(url: URL, path: string, request: FetchRequest) {
    this.#url = url.href;
    this.#path = path;
    this.#request = request;
  }

  open(): Promise<FileHandle> {
    return this.reading(async () => {
      refuseSpecialFile(this.#path);
      const file = await open(this.#path, 'r');
      try {
        const entry = await file.stat();
        if (!entry.isFile()) throw this.#notFound();
        this.requireSize(entry.size);
        this.requireBound(entry.size);
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** Runs `work`, which reads. @throws our errors for what the system says of the file. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = systemErrorOf(error);
      if (reason === undefined) throw error;
      if (isNoFile(error) && errnoOf(error) !== 'ELOOP') throw this.#notFound(error);
      throw fetchError('ICT_FETCH_UNREADABLE', {
        message: `${this.#path} cannot be read: ${reason}`,
        hint: 'Check its permissions, and the disk or file server that it lies on.',
        facts: { url: this.#url, path: this.#path, reason },
        cause: error,
      });
    }
  }

  requireSize(actual: number): void {
    const { sizeBytes } = this.#request.expect ?? {};
    if (sizeBytes !== undefined && actual !== sizeBytes) throw this.mismatch('size', sizeBytes, actual);
  }

  requireBound(sizeBytes: number): void {
    const { maxBytes } = this.#request;
    if (sizeBytes <= maxBytes) return;
    throw fetchError('ICT_FETCH_TOO_LARGE', {
      message: `${this.#path} is larger than the ${maxBytes} bytes that are allowed`,
      hint: 'Check that the path names the right file.',
      facts: { url: this.#url, maxBytes, sizeBytes },
    });
  }

  mismatch(what: 'size' | 'digest', expected: string | number, actual: string | number): Error {
    return fetchError('ICT_FETCH_MISMATCH', {
      message: `${this.#path} is not what its repository says: expected ${what} ${expected}, got ${actual}`,
      hint: 'The mirror may be incomplete: bring it up to date.',
      facts: { url: this.#url, expected, actual },
    });
  }

  #notFound(cause?: unknown): Error {
    return fetchError('ICT_FETCH_NOT_FOUND', {
      message: `${this.#path} is not a file`,
      hint: 'Check the mirror and the path.',
      facts: { url: this.#url, path: this.#path },
      cause,
    });
  }
}
