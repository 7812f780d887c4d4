import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { ContentHasher, errnoOf, refuseSpecialFile } from '@ict/integrity';
import type { BlobRef } from '@ict/plugin-api';
import { SparseFile } from './sparse-file.js';

/** What a blob has to be. */
export type BlobName = Pick<BlobRef, 'digest' | 'sizeBytes'>;

/** Larger than Node's own, as each piece is a trip through its thread pool. */
const PIECE_BYTES = 1024 * 1024;

/** The default of zstd. */
const LEVEL = 3;

/** More bytes than zstd ever makes of `sizeBytes`: what cannot be compressed is stored, with a few bytes for each block of 128 KiB. */
export function packedBound(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / 256) + 64 * 1024;
}

/**
 * Compresses a file to a new one, as a single frame of zstd.
 *
 * @returns whether the file is the blob; the caller removes `target`, also after an error.
 * @throws Node's own errors; the signal's reason.
 */
export async function packBlob(file: string, blob: BlobName, target: string, signal: AbortSignal): Promise<boolean> {
  const hasher = new ContentHasher();
  const encoder = createZstdCompress({
    chunkSize: PIECE_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    pledgedSrcSize: blob.sizeBytes,
  });
  refuseSpecialFile(file);
  await using packed = await open(target, 'wx');
  try {
    await recode(file, encoder, { seen: (piece) => hasher.update(piece), take: (piece) => packed.writeFile(piece), signal });
  } catch (error) {
    signal.throwIfAborted();
    if (isOfZlib(error)) return false; // another size than was pledged
    throw error;
  }
  return isBlob(hasher, blob);
}

/**
 * Decompresses what a server sent to a new file, sparse where it is zeros, and never beyond the blob's size.
 *
 * @returns why it is not the blob, if it is not; then there is no `target`.
 * @throws Node's own errors; the signal's reason; then there is none either.
 */
export async function unpackBlob(file: string, blob: BlobName, target: string, signal: AbortSignal): Promise<string | undefined> {
  const fault = await unpack(file, blob, target, signal).catch(async (error: unknown) => {
    await remove(target);
    throw error;
  });
  if (fault !== undefined) await remove(target);
  return fault;
}

async function unpack(file: string, blob: BlobName, target: string, signal: AbortSignal): Promise<string | undefined> {
  const hasher = new ContentHasher();
  await using content = await SparseFile.create(target);
  const decoder = createZstdDecompress({ chunkSize: PIECE_BYTES });
  let exceeds = false;
  try {
    await recode(file, decoder, {
      async take(piece) {
        exceeds = hasher.sizeBytes + piece.length > blob.sizeBytes;
        if (exceeds) throw new Error(tooLarge(blob));
        hasher.update(piece);
        await content.append(piece);
      },
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (exceeds) return tooLarge(blob);
    if (!isOfZlib(error)) throw error;
    return `zstd cannot read it (${(error as Error).message})`;
  }
  if (hasher.sizeBytes !== blob.sizeBytes) return `it holds ${hasher.sizeBytes} bytes instead of ${blob.sizeBytes}`;
  if (!isBlob(hasher, blob)) return `its content is ${hasher.finish().digest}`;
  await content.finish();
  return undefined;
}

interface RecodeOptions {
  /** Gets each piece of the file while another thread works on it. It is good until this returns. */
  readonly seen?: (piece: Uint8Array) => void;
  /** Gets each piece of the result, good until this resolves. */
  readonly take: (piece: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Sends a file through a codec. It is read into one buffer, and what the codec filled is given back at once: V8 sees of such memory only that it grows, and
 * marks its whole heap for every few megabytes.
 *
 * @throws what the file, the codec or `take` throws; the signal's reason.
 */
async function recode(path: string, codec: Transform, { seen, take, signal }: RecodeOptions): Promise<void> {
  await using source = await open(path);
  const done = pipeline(
    codec,
    async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) {
        await take(piece);
        const { buffer, byteOffset, byteLength } = piece;
        if (buffer.byteLength === PIECE_BYTES && byteOffset + byteLength === PIECE_BYTES) (buffer as ArrayBuffer).transfer(0);
      }
    },
    { signal },
  );
  await Promise.all([done, feed(source, codec, seen).catch((error: unknown) => codec.destroy(error as Error))]);
}

async function feed(source: FileHandle, codec: Transform, seen: RecodeOptions['seen']): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, PIECE_BYTES, null);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    const taken = new Promise<void>((resolve, reject) => {
      codec.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    seen?.(piece);
    await taken;
  }
  codec.end();
}

function tooLarge({ sizeBytes }: BlobName): string {
  return `it holds more than ${sizeBytes} bytes`;
}

function isBlob(hasher: ContentHasher, { digest, sizeBytes }: BlobName): boolean {
  const found = hasher.finish();
  return found.digest === digest && found.sizeBytes === sizeBytes;
}

/** Whether the content was at fault, rather than a disk. */
function isOfZlib(error: unknown): boolean {
  return /^Z(STD)?_/.test(errnoOf(error) ?? '');
}

/** Removes a file that may be absent. */
export async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
}
