import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { refuseSpecialFile } from '@ict/integrity';
import type { ContentAlgorithm, FileRange } from '@ict/plugin-api';
import { PositionedFile, READ_BYTES } from './positioned-file.js';

/**
 * The bytes of a part of a file, or of all of it from its start, read synchronously: for worker threads. Fewer than `sizeBytes` when the file
 * ends. Each piece is valid until the next is asked for: all share one buffer.
 */
export function* filePieces({ file, offset, sizeBytes }: FileRange): Generator<Uint8Array, void, undefined> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, sizeBytes));
    for (let done = 0; done < sizeBytes; ) {
      const count = readSync(descriptor, chunk, 0, Math.min(READ_BYTES, sizeBytes - done), offset + done);
      if (count === 0) return;
      done += count;
      yield chunk.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Digest (lower-case hex) and size of a whole file. Where it has holes it is read past the page cache.
 *
 * @param buffer from `createReadMemory`.
 * @throws Node's own error; `ENXIO` for a FIFO, a socket or a device.
 */
export function digestFileSync(
  file: string,
  algorithm: ContentAlgorithm,
  buffer: Buffer,
): { readonly hex: string; readonly sizeBytes: number } {
  refuseSpecialFile(file);
  using opened = new PositionedFile(file, buffer);
  const hash = createHash(algorithm);
  let sizeBytes = 0;
  for (;;) {
    const piece = opened.read(sizeBytes, opened.hasHoles);
    hash.update(piece);
    sizeBytes += piece.length;
    if (piece.length < READ_BYTES) return { hex: hash.digest('hex'), sizeBytes };
  }
}
