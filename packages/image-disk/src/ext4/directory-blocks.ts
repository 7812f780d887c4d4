import { crc32c } from '@ict/image-parts';
import { BLOCK_BYTES } from './geometry.js';

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: string;
  readonly inode: number;
  readonly kind: number;
}

const HEADER_BYTES = 8;
/** An entry without a name at the end of each block holds its checksum. */
const TAIL_BYTES = 12;
const TAIL_KIND = 0xde;
const ROOM = BLOCK_BYTES - TAIL_BYTES;

/** How many blocks these names take, together with `.` and `..`. */
export function directoryBlockCount(names: readonly { readonly name: string }[]): number {
  let blocks = 1;
  let used = entryBytes(1) + entryBytes(2);
  for (const { name } of names) {
    const needed = entryBytes(Buffer.byteLength(name));
    if (used + needed > ROOM) {
      blocks++;
      used = 0;
    }
    used += needed;
  }
  return blocks;
}

/**
 * The blocks of a directory: names in the order given, without a hash tree; the kernel makes one when a small directory outgrows its block.
 *
 * @param blocks at least what {@link directoryBlockCount} says; the others are empty.
 * @param seed of the checksums of the directory's inode.
 * @see Documentation/filesystems/ext4/directory.rst of the kernel
 */
export function encodeDirectory(entries: readonly DirectoryEntry[], blocks: number, seed: number): Buffer {
  const bytes = Buffer.alloc(blocks * BLOCK_BYTES);
  let block = 0;
  let at = 0;
  let last = 0;
  for (const { name, inode, kind } of entries) {
    const nameBytes = Buffer.byteLength(name);
    const needed = entryBytes(nameBytes);
    if (at + needed > ROOM) {
      bytes.writeUInt16LE(ROOM - last, block * BLOCK_BYTES + last + 4);
      block++;
      at = 0;
    }
    const offset = block * BLOCK_BYTES + at;
    bytes.writeUInt32LE(inode, offset);
    bytes.writeUInt16LE(needed, offset + 4);
    bytes.writeUInt8(nameBytes, offset + 6);
    bytes.writeUInt8(kind, offset + 7);
    bytes.write(name, offset + HEADER_BYTES);
    last = at;
    at += needed;
  }
  bytes.writeUInt16LE(ROOM - last, block * BLOCK_BYTES + last + 4);
  for (let index = 0; index < blocks; index++) {
    const start = index * BLOCK_BYTES;
    if (index > block) bytes.writeUInt16LE(ROOM, start + 4);
    bytes.writeUInt16LE(TAIL_BYTES, start + ROOM + 4);
    bytes.writeUInt8(TAIL_KIND, start + ROOM + 7);
    bytes.writeUInt32LE(crc32c(bytes, seed, start, start + ROOM), start + ROOM + 8);
  }
  return bytes;
}

function entryBytes(nameBytes: number): number {
  return HEADER_BYTES + Math.ceil(nameBytes / 4) * 4;
}
