import type { FileRange } from '@ict/plugin-api';
import { CHUNK_BYTES, filePieces } from './file-digest.js';

/** Gives the bytes of a part of a file, in pieces of which each is valid until the next. */
export type RangeReader = (range: FileRange) => Iterable<Uint8Array>;

/**
 * Reads parts of files for one task, which may want several digests of one part: those that fit into one piece are read once, and kept.
 *
 * @returns a reader that throws Node's own error for a file that cannot be read.
 */
export function createRangeReader(): RangeReader {
  const kept = new Map<string, readonly Uint8Array[]>();
  return (range) => {
    if (range.sizeBytes > CHUNK_BYTES) return filePieces(range);
    const name = `${range.offset} ${range.sizeBytes} ${range.file}`;
    const known = kept.get(name) ?? Array.from(filePieces(range), (piece) => Buffer.from(piece));
    kept.set(name, known);
    return known;
  };
}
