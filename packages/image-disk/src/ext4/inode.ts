import type { EntryType } from '@ict/plugin-api';
import { crc32c } from '../crc32c.js';
import { BLOCK_BYTES, INODE_BYTES } from './geometry.js';

/** Bits of a mode that say what an inode is. */
export const MODE_TYPES: Readonly<Record<EntryType, number>> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

/** The blocks of an inode are found by an extent tree. */
export const EXTENTS_FLAG = 0x80000;

const CONTENT_AT = 0x28;
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

/**
 * Writes the fields of an inode around its content, and its checksum.
 *
 * @param bytes the inode; what it finds by its 60 bytes of content is there already, see {@link contentOf}, and zeros everywhere else.
 * @param seed of the inode's checksums.
 * @see Documentation/filesystems/ext4/inodes.rst of the kernel
 */
export function encodeInode(bytes: Buffer, fields: InodeFields, seed: number): void {
  const { mode, uid, gid, sizeBytes, links, seconds, attributeBlock = 0 } = fields;
  const sectors = fields.blocks * SECTORS_PER_BLOCK;
  bytes.writeUInt16LE(mode, 0x0);
  bytes.writeUInt16LE(uid & 0xffff, 0x2);
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, 0x4);
  bytes.writeUInt16LE(gid & 0xffff, 0x18);
  bytes.writeUInt16LE(links > MAX_LINKS ? 1 : links, 0x1a);
  bytes.writeUInt32LE(sectors % 2 ** 32, 0x1c);
  bytes.writeUInt32LE(fields.flags, 0x20);
  bytes.writeUInt32LE(attributeBlock, 0x68);
  bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), 0x6c);
  bytes.writeUInt16LE(Math.floor(sectors / 2 ** 32), 0x74);
  bytes.writeUInt16LE(uid >>> 16, 0x78);
  bytes.writeUInt16LE(gid >>> 16, 0x7a);
  bytes.writeUInt16LE(EXTRA_FIELDS_BYTES, 0x80);
  // Access, change, modification, creation; the two lowest bits beside each are those above its 32.
  const low = seconds | 0;
  const high = Math.round((seconds - low) / 2 ** 32) & 3;
  for (const [at, extra] of TIMES) {
    bytes.writeInt32LE(low, at);
    bytes.writeUInt32LE(high, extra);
  }
  fields.attributes?.copy(bytes, FIRST_FIELDS_BYTES + EXTRA_FIELDS_BYTES);
  const checksum = crc32c(bytes, seed);
  bytes.writeUInt16LE(checksum & 0xffff, 0x7c);
  bytes.writeUInt16LE(checksum >>> 16, 0x82);
}

/** Where an inode has its extent tree, the target of a short link, or the number of a device. */
export function contentOf(inode: Buffer): Buffer {
  return inode.subarray(CONTENT_AT, CONTENT_AT + CONTENT_BYTES);
}

/** The number of a device, short where that suffices, as before Linux 2.6. */
export function encodeDevice(content: Buffer, major: number, minor: number): void {
  if (major < 256 && minor < 256) content.writeUInt32LE((major << 8) | minor, 0);
  else content.writeUInt32LE(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, 4);
}
