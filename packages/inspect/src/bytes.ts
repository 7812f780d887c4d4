import type { FileHandle } from 'node:fs/promises';
import { readFully } from '@ict/image-parts';
import { remembering } from './remembering.js';

/** Bytes that can be read at any place: those of a disk, or of one partition. */
export interface Bytes {
  readonly sizeBytes: number;
  /** @throws RangeError when the bytes end before. */
  read(offset: number, length: number): Promise<Buffer>;
}

/** Small reads share what one larger read brought: inodes and directory entries lie beside each other. */
const PIECE_BYTES = 64 * 1024;
const KEPT_PIECES = 64;

/** The bytes of an open file, or of a device that is as large as `sizeBytes`. */
export function bytesOf(file: FileHandle, sizeBytes: number): Bytes {
  const piece = remembering(KEPT_PIECES, async (index: number) => {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, sizeBytes - index * PIECE_BYTES));
    await readFully(file, buffer, index * PIECE_BYTES);
    return buffer;
  });
  return {
    sizeBytes,
    read: async (offset, length) => {
      requireWithin(sizeBytes, offset, length);
      const index = Math.floor(offset / PIECE_BYTES);
      const at = offset - index * PIECE_BYTES;
      if (length <= PIECE_BYTES && at + length <= PIECE_BYTES) return (await piece(index)).subarray(at, at + length);
      const buffer = Buffer.allocUnsafe(length);
      await readFully(file, buffer, offset);
      return buffer;
    },
  };
}

/** A part of other bytes. */
export function partOf(whole: Bytes, start: number, sizeBytes: number): Bytes {
  return {
    sizeBytes,
    read: async (offset, length) => {
      requireWithin(sizeBytes, offset, length);
      return whole.read(start + offset, length);
    },
  };
}

function requireWithin(sizeBytes: number, offset: number, length: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes)
    throw new RangeError(`byte ${offset + length} is asked for, and there are ${sizeBytes}`);
}

/** A number of 64 bits that counts something, without a sign. @throws RangeError for more than there can be of anything. */
export function readWide(bytes: Buffer, at: number): number {
  return counted(bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at));
}

/** The same with its highest byte first. */
export function readWideBE(bytes: Buffer, at: number): number {
  return counted(bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4));
}

function counted(high: number, low: number): number {
  const value = high * 2 ** 32 + low;
  if (!Number.isSafeInteger(value))
    throw new RangeError(`a number of 64 bits is too large: 0x${high.toString(16)}${low.toString(16).padStart(8, '0')}`);
  return value;
}

/** A text in a field that zeros fill up. */
export function fieldText(bytes: Buffer, from: number, to: number, encoding: BufferEncoding = 'utf8'): string {
  return bytes.toString(encoding, from, to).replace(/\0.*$/su, '');
}
