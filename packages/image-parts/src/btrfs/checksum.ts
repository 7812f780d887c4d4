import { crc32c } from '../crc32c.js';

/** Where a checksum may stand, of whatever kind, at the beginning of a block. */
export const BTRFS_CHECKSUM_BYTES = 32;

/** The crc32c of a block of a tree or of a superblock, as it stands in it. */
export function btrfsChecksum(block: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((crc32c(block, undefined, BTRFS_CHECKSUM_BYTES) ^ 0xffff_ffff) >>> 0, 0);
  return bytes;
}
