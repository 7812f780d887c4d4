import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, type CacheKey } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { packBlob, remove, type BlobName } from './blob-file.js';
import { remoteCacheError } from './errors.js';
import { blobPlace, recordPlace } from './places.js';
import { MAX_RECORD_BYTES, readRecord, writeRecord, type RemoteResult } from './record.js';
import type { RemoteCache } from './remote-cache.js';
import type { Store } from './stores/store.js';

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
  /** Where they go. */
  readonly store: Store;
  readonly signingKey: KeyObject;
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
  const { store, signingKey, reader, temporary, clock, signal } = options;
  const own = [createPublicKey(signingKey)];
  /** Places where a blob lies, as far as is known. */
  const present = new Set<string>();

  async function isPresent(place: string): Promise<boolean> {
    if (present.has(place)) return true;
    if (reader?.isDamaged(place) === true || !(await store.has(place))) return false;
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
      await store.put(place, file);
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
      throw notUploaded(store.name, place, error);
    }
  }

  return {
    async find(type, key) {
      const place = recordPlace({ type, key }, signingKey);
      return telling(place, async () => {
        if (reader?.isDamaged(place) === true) return undefined;
        const bytes = await readPlace(store, place);
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

/** The record at a place; undefined where there is none, or one that nobody would read. */
async function readPlace(store: Store, place: string): Promise<Uint8Array | undefined> {
  const answer = await store.get({ place, maxBytes: MAX_RECORD_BYTES });
  if (answer === undefined || !('file' in answer)) return undefined;
  return readFile(answer.file).finally(() => remove(answer.file));
}

function notUploaded(address: string, place: string, cause: unknown): Error {
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
