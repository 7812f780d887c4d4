import type { BlockExtent } from '@ict/plugin-api';
import { crc32c } from '@ict/image-parts';
import { cutExtents } from '../cut-extents.js';
import type { FreeBlocks } from '../free-blocks.js';
import type { WrittenBlock } from '../image-file.js';
import { BLOCK_BYTES } from './geometry.js';

const MAGIC = 0xf30a;
const HEADER_BYTES = 12;
const ENTRY_BYTES = 12;
/** What fits in an inode. */
const ENTRIES_OF_ROOT = 4;
const CHECKSUM_BYTES = 4;
const ENTRIES_OF_BLOCK = Math.floor((BLOCK_BYTES - HEADER_BYTES - CHECKSUM_BYTES) / ENTRY_BYTES);
/** More would say that the blocks are not written yet. */
const MAX_EXTENT_BLOCKS = 32768;

/** What a node points at: blocks of the file, or, where `count` is 0, the node below. */
interface Pointer {
  readonly first: number;
  readonly at: number;
  readonly count: number;
}

/**
 * Writes the tree by which an inode finds its blocks. What does not fit in the inode takes blocks of `free`.
 *
 * @param table zeros, from `offset` on at least the 60 bytes of an inode.
 * @param seed of the inode's checksums.
 * @returns the blocks of the tree outside the inode; none when `free` is full, which it tells.
 * @see Documentation/filesystems/ext4/ifork.rst of the kernel
 */
export function encodeExtents(
  table: Buffer,
  offset: number,
  extents: readonly BlockExtent[],
  seed: number,
  free: FreeBlocks,
): readonly WrittenBlock[] {
  const blocks: WrittenBlock[] = [];
  let pointers: readonly Pointer[] = cutExtents(extents, MAX_EXTENT_BLOCKS);
  let depth = 0;
  while (pointers.length > ENTRIES_OF_ROOT) {
    const nodes: Pointer[] = [];
    for (let start = 0; start < pointers.length; start += ENTRIES_OF_BLOCK) {
      const children = pointers.slice(start, start + ENTRIES_OF_BLOCK);
      const at = free.take(1)[0]?.at;
      if (at === undefined) return [];
      const bytes = Buffer.alloc(BLOCK_BYTES);
      encodeNode(bytes, 0, children, depth, ENTRIES_OF_BLOCK);
      const checksumAt = HEADER_BYTES + ENTRIES_OF_BLOCK * ENTRY_BYTES;
      bytes.writeUInt32LE(crc32c(bytes, seed, 0, checksumAt), checksumAt);
      blocks.push({ at, bytes });
      nodes.push({ first: (children[0] as Pointer).first, at, count: 0 });
    }
    pointers = nodes;
    depth++;
  }
  encodeNode(table, offset, pointers, depth, ENTRIES_OF_ROOT);
  return blocks;
}

function encodeNode(bytes: Buffer, start: number, pointers: readonly Pointer[], depth: number, room: number): void {
  bytes.writeUInt16LE(MAGIC, start);
  bytes.writeUInt16LE(pointers.length, start + 2);
  bytes.writeUInt16LE(room, start + 4);
  bytes.writeUInt16LE(depth, start + 6);
  let offset = start + HEADER_BYTES;
  for (const { first, at, count } of pointers) {
    bytes.writeUInt32LE(first, offset);
    if (count > 0) bytes.writeUInt16LE(count, offset + 4);
    bytes.writeUInt32LE(at, count > 0 ? offset + 8 : offset + 4);
    offset += ENTRY_BYTES;
  }
}
