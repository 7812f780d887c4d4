import { BTRFS_KEY_BYTES, BTRFS_MAGIC, BTRFS_OBJECT, BTRFS_SUPERBLOCK_BYTES, uuidBytes, writeBtrfsKey, writeU64 } from '@ict/image-parts';
import { chunkItem, copiesOf, encodeDevice, SYSTEM, type Chunk, type DeviceIdentity } from './chunks.js';
import { GENERATION, NODE_BYTES, SECTOR_BYTES } from './constants.js';
import type { Root } from './root-tree.js';
import { seal } from './tree-blocks.js';

/** Longest label, in bytes. */
export const BTRFS_LABEL_BYTES = 255;
/** References of the present kind, large blocks, extended references, short items of blocks, no items for holes. */
const INCOMPATIBLE = 0x1 | 0x20 | 0x40 | 0x100 | 0x200;
/** A tree of free space, which is right. */
const COMPATIBLE_READ_ONLY = 0x1 | 0x2;

export interface SuperblockFields {
  readonly identity: DeviceIdentity;
  readonly label: string;
  readonly deviceBytes: number;
  readonly usedBytes: number;
  readonly chunks: readonly Chunk[];
  readonly root: Root;
  readonly chunkRoot: Root;
}

/** @param at place of the superblock, which it names. @see btrfs_super_block in include/uapi/linux/btrfs_tree.h of the kernel */
export function encodeSuperblock(
  { identity, label, deviceBytes, usedBytes, chunks, root, chunkRoot }: SuperblockFields,
  at: number,
): Buffer {
  const bytes = Buffer.alloc(BTRFS_SUPERBLOCK_BYTES);
  bytes.set(uuidBytes(identity.filesystem), 32);
  writeU64(bytes, at, 48);
  writeU64(bytes, 1, 56);
  bytes.write(BTRFS_MAGIC, 64, 'latin1');
  writeU64(bytes, GENERATION, 72);
  writeU64(bytes, root.at, 80);
  writeU64(bytes, chunkRoot.at, 88);
  writeU64(bytes, deviceBytes, 112);
  writeU64(bytes, usedBytes, 120);
  writeU64(bytes, BTRFS_OBJECT.rootDirectory, 128);
  writeU64(bytes, 1, 136);
  bytes.writeUInt32LE(SECTOR_BYTES, 144);
  bytes.writeUInt32LE(NODE_BYTES, 148);
  bytes.writeUInt32LE(NODE_BYTES, 152);
  bytes.writeUInt32LE(SECTOR_BYTES, 156);
  writeU64(bytes, GENERATION, 164);
  writeU64(bytes, COMPATIBLE_READ_ONLY, 180);
  writeU64(bytes, INCOMPATIBLE, 188);
  bytes.writeUInt8(root.level, 198);
  bytes.writeUInt8(chunkRoot.level, 199);
  encodeDevice(deviceBytes, chunks, identity).copy(bytes, 201);
  bytes.write(label, 299, BTRFS_LABEL_BYTES, 'utf8');
  writeU64(bytes, GENERATION, 563);
  // By these the tree of chunks is found.
  let start = 811;
  for (const chunk of chunks.filter(({ kind }) => kind === SYSTEM)) {
    const item = chunkItem(chunk, identity);
    writeBtrfsKey(bytes, item, start);
    item.data.copy(bytes, start + BTRFS_KEY_BYTES);
    start += BTRFS_KEY_BYTES + item.data.length;
  }
  bytes.writeUInt32LE(start - 811, 160);
  return seal(bytes);
}

/** Where the copies of a block of a tree go. */
export function placesOf(at: number, chunks: readonly Chunk[]): number[] {
  const chunk = chunks.find(({ start, end }) => start <= at && at < end) as Chunk;
  return copiesOf(chunk).map((copy) => copy + at - chunk.start);
}
