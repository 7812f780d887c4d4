import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { refuseSpecialFile } from '@ict/integrity';
import type { ContentAlgorithm, FileRange } from '@ict/plugin-api';

/** Measured: a byte takes up to four times as long in reads of 512 KiB and more. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of a part of a file, or of all of it from its start, read synchronously: for worker threads. Fewer than `sizeBytes` when the file
 * ends. Each piece is valid until the next is asked for: all share one buffer.
 */
export function* filePieces({ file, offset, sizeBytes }: FileRange): Generator<Uint8Array, void, undefined> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes));
    for (let done = 0; done < sizeBytes; ) {
      const count = readSync(descriptor, chunk, 0, Math.min(CHUNK_BYTES, sizeBytes - done), offset + done);
      if (count === 0) return;
      done += count;
      yield chunk.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Digest (lower-case hex) and size of a whole file. @throws Node's own error; `ENXIO` for a FIFO, a socket or a device. */
export function digestFileSync(file: string, algorithm: ContentAlgorithm): { readonly hex: string; readonly sizeBytes: number } {
  refuseSpecialFile(file);
  const hash = createHash(algorithm);
  let sizeBytes = 0;
  for (const piece of filePieces({ file, offset: 0, sizeBytes: Infinity })) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return { hex: hash.digest('hex'), sizeBytes };
}
