import { crc32c, uuidBytes } from '@ict/image-parts';
import { BASE_FEATURES, EXT4_FEATURES, featureBits } from './features.js';
import { BLOCKS_PER_GROUP, DESCRIPTOR_BYTES, FIRST_FREE_INODE, INODE_BYTES, LOG_GROUPS_PER_FLEX, type Geometry } from './geometry.js';

/** Where the superblock lies in the filesystem; its copies lie at the start of their groups. */
export const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK_BYTES = 1024;
export const JOURNAL_INODE = 8;

/** user_xattr, acl. */
const MOUNT_OPTIONS = 0x4 | 0x8;
const LOG_BLOCK_BYTES = 2; // times 1024
const RESERVED_SHARE = 0.01;
/** When it was written, checked and made: 32 bits, and those above them. */
const TIMES = [
  [0x30, 0x274],
  [0x40, 0x277],
  [0x108, 0x276],
] as const;

/** What a superblock says beside the geometry. */
export interface SuperblockFields {
  readonly uuid: string;
  readonly hashSeed: string;
  readonly label: string;
  /** When the filesystem was made and checked, seconds since 1970. */
  readonly seconds: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  /** Bytes of the journal, 0 without one, and the 60 that its inode finds it by. */
  readonly journal: { readonly sizeBytes: number; readonly content: Buffer };
}

/**
 * The superblock, or its copy in a group.
 *
 * @see Documentation/filesystems/ext4/super.rst of the kernel
 */
export function encodeSuperblock(geometry: Geometry, fields: SuperblockFields, group: number): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_BYTES);
  bytes.writeUInt32LE(geometry.inodes, 0x0);
  bytes.writeUInt32LE(geometry.blocks, 0x4);
  bytes.writeUInt32LE(Math.floor(geometry.blocks * RESERVED_SHARE), 0x8);
  bytes.writeUInt32LE(fields.freeBlocks, 0xc);
  bytes.writeUInt32LE(fields.freeInodes, 0x10);
  bytes.writeUInt32LE(LOG_BLOCK_BYTES, 0x18);
  bytes.writeUInt32LE(LOG_BLOCK_BYTES, 0x1c); // clusters are blocks
  bytes.writeUInt32LE(BLOCKS_PER_GROUP, 0x20);
  bytes.writeUInt32LE(BLOCKS_PER_GROUP, 0x24);
  bytes.writeUInt32LE(geometry.inodesPerGroup, 0x28);
  for (const [low, high] of TIMES) {
    bytes.writeUInt32LE(fields.seconds % 2 ** 32, low);
    bytes.writeUInt8(Math.floor(fields.seconds / 2 ** 32), high);
  }
  bytes.writeUInt16LE(0xffff, 0x36); // never checked for being mounted often
  bytes.writeUInt16LE(0xef53, 0x38);
  bytes.writeUInt16LE(group === 0 ? 1 : 0, 0x3a); // unmounted cleanly; mke2fs does not say so in copies
  bytes.writeUInt16LE(1, 0x3c); // errors: go on
  bytes.writeUInt32LE(1, 0x4c); // revision
  bytes.writeUInt32LE(FIRST_FREE_INODE, 0x54);
  bytes.writeUInt16LE(INODE_BYTES, 0x58);
  bytes.writeUInt16LE(group & 0xffff, 0x5a); // all that there is room for
  const features = [...BASE_FEATURES, ...EXT4_FEATURES].filter((name) => name !== 'has_journal' || fields.journal.sizeBytes > 0);
  const { compatible, incompatible, readOnlyCompatible } = featureBits(features);
  bytes.writeUInt32LE(compatible, 0x5c);
  bytes.writeUInt32LE(incompatible, 0x60);
  bytes.writeUInt32LE(readOnlyCompatible, 0x64);
  bytes.set(uuidBytes(fields.uuid), 0x68);
  bytes.write(fields.label, 0x78);
  bytes.writeUInt16LE(geometry.reservedDescriptorBlocks, 0xce);
  bytes.set(uuidBytes(fields.hashSeed), 0xec);
  bytes.writeUInt8(1, 0xfc); // names are hashed by half MD4
  bytes.writeUInt16LE(DESCRIPTOR_BYTES, 0xfe);
  bytes.writeUInt32LE(MOUNT_OPTIONS, 0x100);
  bytes.writeUInt16LE(INODE_BYTES - 224, 0x15c); // fields that inodes have at least, and want
  bytes.writeUInt16LE(INODE_BYTES - 224, 0x15e);
  bytes.writeUInt32LE(1, 0x160); // bytes of names are signed in hashes
  bytes.writeUInt8(LOG_GROUPS_PER_FLEX, 0x174);
  bytes.writeUInt8(1, 0x175); // CRC-32C
  const { sizeBytes, content } = fields.journal;
  if (sizeBytes > 0) {
    bytes.writeUInt32LE(JOURNAL_INODE, 0xe0);
    bytes.writeUInt8(1, 0xfd); // the journal's inode is kept here as well
    content.copy(bytes, 0x10c);
    bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), 0x148);
    bytes.writeUInt32LE(sizeBytes % 2 ** 32, 0x14c);
  }
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 0x3fc)), 0x3fc);
  return bytes;
}
