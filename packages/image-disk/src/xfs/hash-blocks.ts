import { XFS_HASHES, XFS_HEADER_BYTES, XFS_NAME_UNIT_BYTES } from '@ict/image-parts';
import { BLOCK_BYTES } from './constants.js';
import { evenParts, levelsOf } from './even-parts.js';

const ENTRIES_PER_BLOCK = (BLOCK_BYTES - XFS_HEADER_BYTES.hashes) / XFS_NAME_UNIT_BYTES;

/** By its hash, where a name is. */
export interface HashEntry {
  readonly hash: number;
  readonly address: number;
}

/** A block of a tree of hashes, at its place in the directory. */
export interface HashBlock {
  readonly logical: number;
  readonly bytes: Buffer;
}

/** How many blocks the tree of so many entries has. */
export function hashBlockCount(entries: number): number {
  return levelsOf(entries, ENTRIES_PER_BLOCK, ENTRIES_PER_BLOCK).reduce((sum, level) => sum + level, 0);
}

/** The first fields of a block: its neighbours, what it is, and how many entries it has. */
export function hashHeader(magic: number, count: number, forward = 0, back = 0): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32BE(forward, 0);
  bytes.writeUInt32BE(back, 4);
  bytes.writeUInt16BE(magic, 8);
  bytes.writeUInt16BE(count, 56);
  return bytes;
}

/**
 * The tree by which a large directory finds its names: a root at `first`, then leaves, then what is between.
 *
 * @param entries in the order of their hashes.
 */
export function encodeHashTree(entries: readonly HashEntry[], first: number): HashBlock[] {
  const levels = levelsOf(entries.length, ENTRIES_PER_BLOCK, ENTRIES_PER_BLOCK);
  const blocks: HashBlock[] = [];
  let next = first + 1;
  let below = entries;
  levels.forEach((count, level) => {
    const start = level === levels.length - 1 ? first : next;
    if (start !== first) next += count;
    below = evenParts(below, ENTRIES_PER_BLOCK).map((part, index): HashEntry => {
      const logical = start + index;
      const bytes = hashHeader(
        level === 0 ? XFS_HASHES.leaf : XFS_HASHES.node,
        part.length,
        index === count - 1 ? 0 : logical + 1,
        index === 0 ? 0 : logical - 1,
      );
      if (level > 0) bytes.writeUInt16BE(level, 58);
      writeHashes(bytes, part);
      blocks.push({ logical, bytes });
      return { hash: (part.at(-1) as HashEntry).hash, address: logical };
    });
  });
  return blocks.sort((a, b) => a.logical - b.logical);
}

export function writeHashes(bytes: Buffer, entries: readonly HashEntry[], start: number = XFS_HEADER_BYTES.hashes): void {
  entries.forEach(({ hash, address }, index) => {
    bytes.writeUInt32BE(hash, start + index * 8);
    bytes.writeUInt32BE(address, start + index * 8 + 4);
  });
}
