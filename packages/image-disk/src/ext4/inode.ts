import { crc32c } from '@ict/image-parts';
import { BLOCK_BYTES, INODE_BYTES } from './geometry.js';

/** The blocks of an inode are found by an extent tree. */
export const EXTENTS_FLAG = 0x80000;

/** Where an inode has its extent tree, the target of a short link, or the number of a device. */
export const CONTENT_AT = 0x28;
export const CONTENT_BYTES = 60;
/** Offsets of the four times, and of what extends each. */
const TIMES = [
  [0x8, 0x8c],
  [0xc, 0x84],
  [0x10, 0x88],
  [0x90, 0x94],
] as const;
const FIRST_FIELDS_BYTES = 128;
const EXTRA_FIELDS_BYTES = 32;
/** What an inode has for extended attributes. */
export const ATTRIBUTE_ROOM_BYTES = INODE_BYTES - FIRST_FIELDS_BYTES - EXTRA_FIELDS_BYTES;
const SECTORS_PER_BLOCK = BLOCK_BYTES / 512;
/** With more links a directory says 1, for "many" (dir_nlink). */
export const MAX_LINKS = 65000;

/** The fields of an inode. */
export interface InodeFields {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly links: number;
  /** Blocks of content, of the extent tree and of extended attributes. */
  readonly blocks: number;
  /** Seconds since 1970, for all four times. */
  readonly seconds: number;
  readonly flags: number;
  readonly attributes?: Buffer | undefined;
  readonly attributeBlock?: number | undefined;
}

/** In December 1901; earlier times become this one. */
const EARLIEST_SECONDS = -(2 ** 31);

/**
 * Writes the fields of an inode around its content, and its checksum.
 *
 * @param table has the inode from `start` on: at {@link CONTENT_AT} what its content is found by, and zeros everywhere else.
 * @param seed of the inode's checksums.
 * @see Documentation/filesystems/ext4/inodes.rst of the kernel
 */
export function encodeInode(table: Buffer, start: number, fields: InodeFields, seed: number): void {
  const { mode, uid, gid, sizeBytes, links, attributeBlock = 0 } = fields;
  const seconds = Math.max(fields.seconds, EARLIEST_SECONDS);
  const sectors = fields.blocks * SECTORS_PER_BLOCK;
  table.writeUInt16LE(mode, start + 0x0);
  table.writeUInt16LE(uid & 0xffff, start + 0x2);
  table.writeUInt32LE(sizeBytes % 2 ** 32, start + 0x4);
  table.writeUInt16LE(gid & 0xffff, start + 0x18);
  table.writeUInt16LE(links > MAX_LINKS ? 1 : links, start + 0x1a);
  table.writeUInt32LE(sectors % 2 ** 32, start + 0x1c);
  table.writeUInt32LE(fields.flags, start + 0x20);
  table.writeUInt32LE(attributeBlock, start + 0x68);
  table.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), start + 0x6c);
  table.writeUInt16LE(Math.floor(sectors / 2 ** 32), start + 0x74);
  table.writeUInt16LE(uid >>> 16, start + 0x78);
  table.writeUInt16LE(gid >>> 16, start + 0x7a);
  table.writeUInt16LE(EXTRA_FIELDS_BYTES, start + 0x80);
  // Access, change, modification, creation; the two lowest bits beside each are those above its 32.
  const low = seconds | 0;
  const high = Math.round((seconds - low) / 2 ** 32) & 3;
  for (const [at, extra] of TIMES) {
    table.writeInt32LE(low, start + at);
    table.writeUInt32LE(high, start + extra);
  }
  fields.attributes?.copy(table, start + FIRST_FIELDS_BYTES + EXTRA_FIELDS_BYTES);
  const checksum = crc32c(table, seed, start, start + INODE_BYTES);
  table.writeUInt16LE(checksum & 0xffff, start + 0x7c);
  table.writeUInt16LE(checksum >>> 16, start + 0x82);
}

/** The number of a device, short where that suffices, as before Linux 2.6. */
export function encodeDevice(table: Buffer, offset: number, major: number, minor: number): void {
  if (major < 256 && minor < 256) table.writeUInt32LE((major << 8) | minor, offset);
  else table.writeUInt32LE(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, offset + 4);
}
