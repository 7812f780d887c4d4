import type { Bytes } from '../bytes.js';
import type { FileEntry } from './filesystem.js';

/** Contents come in pieces that are no larger. */
const PIECE_BYTES = 1024 * 1024;

/** The content of what has none. */
export async function* nothing(): AsyncGenerator<Buffer, void, undefined> {}

/** What a hole reads as. */
export function* zeros(count: number): Generator<Buffer, void, undefined> {
  if (count <= 0) return;
  const piece = Buffer.alloc(Math.min(count, PIECE_BYTES));
  for (let left = count; left > 0; left -= PIECE_BYTES) yield piece.subarray(0, Math.min(left, PIECE_BYTES));
}

/** Bytes that lie one behind the other. */
export async function* inPieces(bytes: Bytes, start: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < length; at += PIECE_BYTES) yield await bytes.read(start + at, Math.min(PIECE_BYTES, length - at));
}

/** All of them as the content of one file. */
export function asFile(bytes: Bytes): Pick<FileEntry, 'content'> {
  return { content: () => inPieces(bytes, 0, bytes.sizeBytes) };
}
