import { randomBytes, type KeyObject } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, type CacheKey } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { packBlob, remove, type BlobName } from './blob-file.js';
import { remoteCacheError } from './errors.js';
import { addressOf, blobPlace, printedAddress, recordPlace } from './places.js';
import { MAX_RECORD_BYTES, writeRecord, type RemoteResult } from './record.js';
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
  /** Whether the server has a record of the result by this signer, of which nobody found that it is wrong. */
  has(type: string, key: CacheKey): Promise<boolean>;
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
  const { url, signingKey, uploader, reader, temporary, clock, signal } = options;
  /** Places where something right lies, as far as is known. */
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
      present.add(place);
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
    async has(type, key) {
      const place = recordPlace({ type, key }, signingKey);
      return telling(place, () => isPresent(place));
    },
    async putBlob(blob, file) {
      const place = blobPlace(blob.digest);
      return telling(place, async () => {
        if (await isPresent(place)) return 0;
        return send(place, async (packed) => {
          if (!(await packBlob(file, blob, packed, signal))) throw new Error(`${file} is no longer ${blob.digest}`);
        });
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

function notUploaded(url: string, place: string, cause: unknown): Error {
  const address = printedAddress(url);
  const status = isIctError(cause) ? cause.facts['status'] : undefined;
  return remoteCacheError('ICT_REMOTE_CACHE_UPLOAD', {
    message: `An upload to the remote cache ${address} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'Check its address, user and password, and whether that user may write there.',
    facts: { url: address, place, ...(isIctError(cause) ? { reason: cause.code } : {}), ...(status === undefined ? {} : { status }) },
    cause,
  });
}
