import { XFS_LOG } from '@ict/image-parts';
import { BLOCK_BYTES, SECTOR_BYTES } from './constants.js';

const VERSION = 2;
/** The log is written for the first time. */
const CYCLE = 1;
const LITTLE_ENDIAN = 1;
const RECORD_BYTES = 32 * 1024;
const TRANSACTION = 0xb0c0_d0d0;
const CLIENT = 0xaa;
const UNMOUNT_TYPE = 0x556e;

/** The first block of a log in which nothing but an unmounting is written down, so that nothing is to be recovered; zeros follow. */
export function encodeLog(uuid: Uint8Array): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32BE(XFS_LOG.magic, 0);
  bytes.writeUInt32BE(CYCLE, 4);
  bytes.writeUInt32BE(VERSION, 8);
  bytes.writeUInt32BE(SECTOR_BYTES, 12);
  // Its own place and that of the oldest record: the first block, this time.
  bytes.writeUInt32BE(CYCLE, 16);
  bytes.writeUInt32BE(CYCLE, 24);
  bytes.writeInt32BE(-1, 36);
  bytes.writeUInt32BE(1, 40);
  // Each sector begins with the cycle, and what was there is here.
  bytes.writeUInt32BE(TRANSACTION, 44);
  bytes.writeUInt32BE(LITTLE_ENDIAN, 300);
  bytes.set(uuid, 304);
  bytes.writeUInt32BE(RECORD_BYTES, 320);
  const record = bytes.subarray(SECTOR_BYTES);
  record.writeUInt32BE(CYCLE, 0);
  record.writeUInt32BE(8, 4);
  record.writeUInt8(CLIENT, 8);
  record.writeUInt8(XFS_LOG.unmounting, 9);
  record.writeUInt16LE(UNMOUNT_TYPE, 12);
  return bytes;
}
