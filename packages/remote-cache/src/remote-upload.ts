import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, type CacheKey } from '@ict/integrity';
import { hasCode, isIctError, type Fetcher } from '@ict/plugin-api';
import { packBlob, remove, type BlobName } from './blob-file.js';
import { remoteCacheError } from './errors.js';
import { addressOf, blobPlace, printedAddress, recordPlace } from './places.js';
import { MAX_RECORD_BYTES, readRecord, writeRecord, type RemoteResult } from './record.js';
import type { RemoteCache } from './remote-cache.js';

/** Puts files on a server, as that of `@ict/fetch` does. */
export interface Uploader {
  /** Whether the server has a file at this address. */
  has(url: string): Promise<boolean>;
  put(url: string, file: string): Promise<void>;
}

/**
 * Gives results to others. Each method throws `ICT_REMOTE_CACHE_UPLOAD`, whatever went wrong, or the signal's reason; of a blob that goes by
 * another digest than SHA-256 `ICT_INTEGRITY_DIGEST`.
 */
export interface RemoteUpload {
  /** What the record says that the server has of a result by this signer; undefined where it has none, or a wrong one. */
  find(type: string, key: CacheKey): Promise<RemoteResult | undefined>;
  /** Whether the server has a blob, of which nobody found that it is wrong. */
  hasBlob(blob: BlobName): Promise<boolean>;
  /** Compresses and sends the file, unless the server has the blob. @returns how many bytes were sent. */
  putBlob(blob: BlobName, file: string): Promise<number>;
  /** Signs and sends a record. The blobs that it names are there by then. */
  putRecord(type: string, key: CacheKey, result: RemoteResult): Promise<void>;
}

export interface RemoteUploadOptions {
  /** Address of the cache. A path, user and password may be in it. */
  readonly url: string;
  readonly signingKey: KeyObject;
  readonly uploader: Uploader;
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** Knows what the server has, and should not have: that is replaced. */
  readonly reader?: Pick<RemoteCache, 'isDamaged'>;
  /** Private directory for what is sent. */
  readonly temporary: string;
  /** Now, seconds since 1970. */
  readonly clock: () => number;
  readonly signal: AbortSignal;
}

/** Writes to a remote cache. */
export function openRemoteUpload(options: RemoteUploadOptions): RemoteUpload {
  const { url, signingKey, uploader, fetcher, reader, temporary, clock, signal } = options;
  const own = [createPublicKey(signingKey)];
  /** Places where a blob lies, as far as is known. */
  const present = new Set<string>();

  async function isPresent(place: string): Promise<boolean> {
    if (present.has(place)) return true;
    if (reader?.isDamaged(place) === true || !(await uploader.has(addressOf(url, place)))) return false;
    present.add(place);
    return true;
  }

  /** Sends the file that `make` makes at the path it is given. @returns its size in bytes. */
  async function send(place: string, make: (file: string) => Promise<void>): Promise<number> {
    ensureOwnDirectory(temporary);
    const file = join(temporary, `upload-${randomBytes(8).toString('hex')}`);
    try {
      await make(file);
      const { size } = await stat(file);
      await uploader.put(addressOf(url, place), file);
      return size;
    } finally {
      await remove(file);
    }
  }

  async function telling<T>(place: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw notUploaded(url, place, error);
    }
  }

  return {
    async find(type, key) {
      const place = recordPlace({ type, key }, signingKey);
      return telling(place, async () => {
        const bytes = await readPlace(addressOf(url, place), fetcher);
        const read = bytes && readRecord(bytes, { type, key }, own);
        return read?.kind === 'believed' ? read.result : undefined;
      });
    },
    async hasBlob(blob) {
      const place = blobPlace(blob.digest);
      return telling(place, () => isPresent(place));
    },
    async putBlob(blob, file) {
      const place = blobPlace(blob.digest);
      return telling(place, async () => {
        if (await isPresent(place)) return 0;
        const sentBytes = await send(place, async (packed) => {
          if (!(await packBlob(file, blob, packed, signal))) throw new Error(`${file} is no longer ${blob.digest}`);
        });
        present.add(place);
        return sentBytes;
      });
    },
    async putRecord(type, key, result) {
      const place = recordPlace({ type, key }, signingKey);
      await telling(place, async () => {
        const record = writeRecord({ type, key }, result, clock(), signingKey);
        const sizeBytes = Buffer.byteLength(record);
        if (sizeBytes > MAX_RECORD_BYTES) throw new Error(`a record of ${sizeBytes} bytes is larger than ${MAX_RECORD_BYTES}`);
        await send(place, (file) => writeFile(file, record, { flag: 'wx' }));
      });
    },
  };
}

/** The record at an address; undefined where there is none, or one that nobody would read. */
async function readPlace(url: string, fetcher: Pick<Fetcher, 'fetch'>): Promise<Uint8Array | undefined> {
  try {
    const { file } = await fetcher.fetch({ url, maxBytes: MAX_RECORD_BYTES });
    return await readFile(file).finally(() => remove(file));
  } catch (error) {
    if (hasCode(error, 'ICT_FETCH_NOT_FOUND') || hasCode(error, 'ICT_FETCH_TOO_LARGE')) return undefined;
    throw error;
  }
}

function notUploaded(url: string, place: string, cause: unknown): Error {
  const address = printedAddress(url);
  const status = isIctError(cause) ? cause.facts['status'] : undefined;
  return remoteCacheError('ICT_REMOTE_CACHE_UPLOAD', {
    message: `An upload to the remote cache ${address} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: isIctError(cause)
      ? 'Check its address, user and password, whether that user may write there, and how large files may be.'
      : 'The cause lies on this machine. The next build that uses the result sends it.',
    facts: { url: address, place, ...(isIctError(cause) ? { reason: cause.code } : {}), ...(status === undefined ? {} : { status }) },
    cause,
  });
}
