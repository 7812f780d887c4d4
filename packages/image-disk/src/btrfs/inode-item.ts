import { writeU64 } from '@ict/image-parts';
import { GENERATION } from './constants.js';

export const INODE_ITEM_BYTES = 160;
/** Access, status, modification and birth. */
const TIMES = [112, 124, 136, 148];

/** What an inode says of itself. */
export interface InodeFields {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly links: number;
  readonly sizeBytes: number;
  /** What its contents take of the disk. */
  readonly diskBytes: number;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** Seconds since 1970, for all four times. */
  readonly seconds: number;
}

/** @see btrfs_inode_item in include/uapi/linux/btrfs_tree.h of the kernel */
export function encodeInode({ mode, uid = 0, gid = 0, links, sizeBytes, diskBytes, device, seconds }: InodeFields): Buffer {
  const bytes = Buffer.alloc(INODE_ITEM_BYTES);
  writeU64(bytes, GENERATION, 0);
  writeU64(bytes, GENERATION, 8);
  writeU64(bytes, sizeBytes, 16);
  writeU64(bytes, diskBytes, 24);
  bytes.writeUInt32LE(links, 40);
  bytes.writeUInt32LE(uid, 44);
  bytes.writeUInt32LE(gid, 48);
  bytes.writeUInt32LE(mode, 52);
  // The kernel's own form of the number, not that of its system calls.
  if (device !== undefined) writeU64(bytes, device.major * 2 ** 20 + device.minor, 56);
  for (const at of TIMES) writeU64(bytes, seconds, at);
  return bytes;
}
