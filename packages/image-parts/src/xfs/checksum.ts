import { crc32c, crc32cOfNumber } from '../crc32c.js';

/** The checksum of a block or an inode, as it stands in it from `at` on in little-endian: its own bytes count as zeros. */
export function xfsChecksum(block: Uint8Array, at: number): number {
  const before = crc32cOfNumber(0, crc32c(block, undefined, 0, at));
  return (crc32c(block, before, at + 4) ^ 0xffff_ffff) >>> 0;
}
