import { createHash, type Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import type { ContentAlgorithm, Digest } from '@ict/plugin-api';
import { refuseSpecialFile } from './regular-file.js';

/** What a byte string is: its digest, SHA-256 unless another was asked for, and its length. */
export interface ContentIdentity {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Measured: larger buffers do not help, 64 KiB costs a tenth more. */
const BUFFER_BYTES = 256 * 1024;

/** Hashes and counts bytes that pass in pieces. */
export class ContentHasher {
  readonly #algorithm: ContentAlgorithm;
  readonly #hash: Hash;
  #sizeBytes = 0;
  #identity: ContentIdentity | undefined;

  constructor(algorithm: ContentAlgorithm = 'sha256') {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Bytes seen so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** Digest and size of everything seen. May be called again; no `update` may follow. */
  finish(): ContentIdentity {
    this.#identity ??= { digest: `${this.#algorithm}:${this.#hash.digest('hex')}` as Digest, sizeBytes: this.#sizeBytes };
    return this.#identity;
  }
}

/** A stream that passes bytes on unchanged; after its end, {@link HashingTransform.identity} says what passed. */
export class HashingTransform extends Transform {
  readonly #hasher = new ContentHasher();

  /** Bytes passed so far. */
  get sizeBytes(): number {
    return this.#hasher.sizeBytes;
  }

  /** Digest and size of everything that passed. Call it after the stream ended. */
  identity(): ContentIdentity {
    return this.#hasher.finish();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hasher.update(chunk);
    done(null, chunk);
  }
}

/** Passes `source` on unchanged and feeds each chunk to `hasher`, which holds the result once the iteration ended. */
export async function* hashing(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hasher: ContentHasher,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    hasher.update(chunk);
    yield chunk;
  }
}

/**
 * Digest (SHA-256 by default) and size of a file, read once from start to end.
 *
 * @throws Node's own error when the file cannot be read, or is a FIFO, a socket or a device; the signal's reason when it aborts.
 */
export async function hashFile(
  path: string,
  options: { readonly signal?: AbortSignal; readonly algorithm?: ContentAlgorithm } = {},
): Promise<ContentIdentity> {
  const hasher = new ContentHasher(options.algorithm);
  refuseSpecialFile(path);
  await using handle = await open(path, 'r');
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  for (;;) {
    options.signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, BUFFER_BYTES, null);
    if (bytesRead === 0) return hasher.finish();
    hasher.update(buffer.subarray(0, bytesRead));
  }
}
