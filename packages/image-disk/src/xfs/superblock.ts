import { XFS_FEATURE, XFS_MAGIC } from '@ict/image-parts';
import { BLOCK_BYTES, CHUNK_BLOCKS, INODES_PER_BLOCK, INODE_BYTES, SECTOR_BYTES } from './constants.js';
import { blockNumber, inodeNumber, type Geometry } from './geometry.js';
import { writeChecksum, writeU64 } from './self-description.js';

/** Longest label, in bytes. */
export const XFS_LABEL_BYTES = 12;
/** The root, and the two of a realtime device that is not there. */
export const RESERVED_INODES = 3;
/** Version 5, with aligned chunks of inodes, a log of version 2, and what every version 5 has. */
const VERSION = 0x5 | 0x20 | 0x80 | 0x400 | 0x1000 | 0x2000 | 0x8000;
const HAS_ATTRIBUTES = 0x10;
/** Counters that are summed up, attributes beside extents, 32 bits of projects, checksums. */
const FEATURES_2 = 0x2 | 0x8 | 0x80 | 0x100;
/** A tree of free inodes, blocks with several owners, and counts of blocks in trees of inodes. */
const COMPATIBLE_READ_ONLY = 0x1 | 0x4 | 0x8;
const INCOMPATIBLE = XFS_FEATURE.kinds | XFS_FEATURE.partialChunks | XFS_FEATURE.longTimes;
/** Blocks that are read together for inodes. */
const CLUSTER_BLOCKS = 4;
/** How much of the filesystem inodes may take, in percent: of a large one less. */
const INODE_PERCENT = { usual: 25, large: 5 };
const LARGE_BYTES = 1024 ** 4;

export interface SuperblockFields {
  readonly uuid: Uint8Array;
  readonly label: string;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly freeBlocks: number;
  readonly hasAttributes: boolean;
}

/** A superblock; each group has the same. @see struct xfs_dsb in fs/xfs/libxfs/xfs_format.h of the kernel */
export function encodeSuperblock(geometry: Geometry, fields: SuperblockFields): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.write(XFS_MAGIC, 0, 'latin1');
  bytes.writeUInt32BE(BLOCK_BYTES, 4);
  writeU64(bytes, geometry.blocks, 8);
  bytes.set(fields.uuid, 32);
  writeU64(bytes, blockNumber(geometry, geometry.logAt), 48);
  for (let index = 0; index < RESERVED_INODES; index++) writeU64(bytes, inodeNumber(geometry, index), 56 + index * 8);
  bytes.writeUInt32BE(1, 80);
  bytes.writeUInt32BE(geometry.groupBlocks, 84);
  bytes.writeUInt32BE(geometry.groups.length, 88);
  bytes.writeUInt32BE(geometry.logBlocks, 96);
  bytes.writeUInt16BE(fields.hasAttributes ? VERSION | HAS_ATTRIBUTES : VERSION, 100);
  bytes.writeUInt16BE(SECTOR_BYTES, 102);
  bytes.writeUInt16BE(INODE_BYTES, 104);
  bytes.writeUInt16BE(INODES_PER_BLOCK, 106);
  bytes.write(fields.label, 108, XFS_LABEL_BYTES, 'utf8');
  [BLOCK_BYTES, SECTOR_BYTES, INODE_BYTES, INODES_PER_BLOCK].forEach((size, index) => bytes.writeUInt8(Math.log2(size), 120 + index));
  bytes.writeUInt8(geometry.groupBits, 124);
  bytes.writeUInt8(geometry.blocks * BLOCK_BYTES < LARGE_BYTES ? INODE_PERCENT.usual : INODE_PERCENT.large, 127);
  writeU64(bytes, fields.inodes, 128);
  writeU64(bytes, fields.freeInodes, 136);
  writeU64(bytes, fields.freeBlocks, 144);
  bytes.writeUInt32BE(CHUNK_BLOCKS, 180);
  bytes.writeUInt32BE(1, 196); // unit of the log: none
  bytes.writeUInt32BE(FEATURES_2, 200);
  bytes.writeUInt32BE(FEATURES_2, 204); // once more, where old kernels had it by mistake
  bytes.writeUInt32BE(COMPATIBLE_READ_ONLY, 212);
  bytes.writeUInt32BE(INCOMPATIBLE, 216);
  bytes.writeUInt32BE(CLUSTER_BLOCKS, 228);
  return writeChecksum(bytes, 224);
}
