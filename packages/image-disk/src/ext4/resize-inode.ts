import { BLOCKS_PER_GROUP, BLOCK_BYTES, hasBackup, type Geometry } from './geometry.js';

export const RESIZE_INODE = 7;
const NUMBERS_PER_BLOCK = BLOCK_BYTES / 4;
const DIRECT_BLOCKS = 12;
const DOUBLY_INDIRECT = 13;

/** The inode through which a mounted filesystem grows: it owns the blocks that are kept for more descriptors, and their copies. */
export interface ResizeInode {
  readonly sizeBytes: number;
  readonly blocks: number;
  /** The block that names those kept behind the descriptors. */
  readonly doublyIndirect: Buffer;
  /** The kept blocks, which name their places in groups with copies; they follow each other from `keptAt` on. */
  readonly kept: Buffer;
  readonly keptAt: number;
}

/** Writes the block numbers of an inode that has a doubly indirect block and nothing else. */
export function encodeDoublyIndirect(table: Buffer, offset: number, at: number): void {
  table.writeUInt32LE(at, offset + DOUBLY_INDIRECT * 4);
}

export function makeResizeInode(geometry: Geometry): ResizeInode {
  const { descriptorBlocks, reservedDescriptorBlocks: count, groups } = geometry;
  const keptAt = 1 + descriptorBlocks;
  const backups = groups.flatMap((_places, group) => (group > 0 && hasBackup(group) ? [group] : []));
  const doublyIndirect = Buffer.alloc(BLOCK_BYTES);
  const kept = Buffer.alloc(count * BLOCK_BYTES);
  for (let index = 0; index < count; index++) {
    doublyIndirect.writeUInt32LE(keptAt + index, ((descriptorBlocks + index) % NUMBERS_PER_BLOCK) * 4);
    backups.forEach((group, place) => {
      kept.writeUInt32LE(keptAt + index + group * BLOCKS_PER_GROUP, index * BLOCK_BYTES + place * 4);
    });
  }
  return {
    sizeBytes: (NUMBERS_PER_BLOCK ** 2 + NUMBERS_PER_BLOCK + DIRECT_BLOCKS) * BLOCK_BYTES,
    blocks: 1 + count * (1 + backups.length),
    doublyIndirect,
    kept,
    keptAt,
  };
}
