import { crc32c, crc32cOfNumber, XFS_EARLIEST_SECONDS, XFS_FORMAT, XFS_INODE_FIELDS_BYTES, XFS_INODE_FLAG } from '@ict/image-parts';
import type { WrittenBlock } from '../image-file.js';
import { INODE_BYTES, NONE } from './constants.js';
import { writeChecksum, writeU64 } from './self-description.js';

/** What an inode has for content, or the way to it, and for attributes. */
export const CONTENT_ROOM = INODE_BYTES - XFS_INODE_FIELDS_BYTES;
/** Access, modification, status and birth. */
const TIMES = [32, 40, 48, 144];

/** What of an inode tells of its content, or of its attributes. */
export interface Fork {
  readonly format: (typeof XFS_FORMAT)[keyof typeof XFS_FORMAT];
  readonly content: Buffer;
  readonly extents: number;
  /** Blocks of the tree of extents. */
  readonly blocks: readonly WrittenBlock[];
}

/** What an inode says of itself. */
export interface InodeFields extends Omit<Fork, 'blocks'> {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly sizeBytes: number;
  /** All that it has, of trees and attributes too. */
  readonly blocks: number;
  /** Seconds since 1970, for all four times. */
  readonly seconds: number;
  readonly flags?: number;
  /** They begin at `start`, counted in 8 bytes behind the fields. */
  readonly attributes?: (Omit<Fork, 'blocks'> & { readonly start: number }) | undefined;
}

/** @param fields undefined for one that is free. @see struct xfs_dinode in fs/xfs/libxfs/xfs_format.h of the kernel */
export function encodeInode(number: number, uuid: Uint8Array, fields?: InodeFields): Buffer {
  const bytes = Buffer.alloc(INODE_BYTES);
  bytes.write('IN', 0, 'latin1');
  bytes.writeUInt8(3, 4);
  // Told to clients of NFS, who know by it an inode that was made anew.
  bytes.writeUInt32BE(crc32cOfNumber(number % 2 ** 32 | 0, crc32c(uuid)), 92);
  bytes.writeUInt32BE(NONE, 96);
  writeU64(bytes, number, 152);
  bytes.set(uuid, 160);
  if (fields !== undefined) writeFields(bytes, fields);
  return writeChecksum(bytes, 100);
}

function writeFields(bytes: Buffer, fields: InodeFields): void {
  const { attributes } = fields;
  bytes.writeUInt16BE(fields.mode, 2);
  bytes.writeUInt8(fields.format, 5);
  bytes.writeUInt32BE(fields.uid, 8);
  bytes.writeUInt32BE(fields.gid, 12);
  bytes.writeUInt32BE(fields.links, 16);
  const time = BigInt(Math.max(fields.seconds, XFS_EARLIEST_SECONDS) - XFS_EARLIEST_SECONDS) * 1_000_000_000n;
  for (const at of TIMES) bytes.writeBigUInt64BE(time, at);
  writeU64(bytes, fields.sizeBytes, 56);
  writeU64(bytes, fields.blocks, 64);
  bytes.writeUInt32BE(fields.extents, 76);
  bytes.writeUInt16BE(attributes?.extents ?? 0, 80);
  bytes.writeUInt8(attributes?.start ?? 0, 82);
  bytes.writeUInt8(attributes?.format ?? XFS_FORMAT.extents, 83);
  bytes.writeUInt16BE(fields.flags ?? 0, 90);
  writeU64(bytes, XFS_INODE_FLAG.longTimes, 120);
  fields.content.copy(bytes, XFS_INODE_FIELDS_BYTES);
  attributes?.content.copy(bytes, XFS_INODE_FIELDS_BYTES + attributes.start * 8);
}
