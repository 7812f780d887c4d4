import { uuidBytes } from '@ict/image-parts';
import { BLOCK_BYTES } from './geometry.js';

const MAGIC = 0xc03b_3998;
const SUPERBLOCK_V2 = 4;

/**
 * The first block of an empty journal; the others may hold anything.
 *
 * @see Documentation/filesystems/ext4/journal.rst of the kernel
 */
export function encodeJournalSuperblock(blocks: number, uuid: string): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32BE(MAGIC, 0x0);
  bytes.writeUInt32BE(SUPERBLOCK_V2, 0x4);
  bytes.writeUInt32BE(BLOCK_BYTES, 0xc);
  bytes.writeUInt32BE(blocks, 0x10);
  bytes.writeUInt32BE(1, 0x14); // first block of the log
  bytes.writeUInt32BE(1, 0x18); // first transaction
  bytes.set(uuidBytes(uuid), 0x30);
  bytes.writeUInt32BE(1, 0x40); // filesystems that use it
  return bytes;
}
