import type { FileHandle } from 'node:fs/promises';
import { BTRFS_MAGIC, BTRFS_SUPERBLOCK_BYTES, type ByteRange } from '@ict/image-parts';
import { diskError } from '../errors.js';
import { SUPERBLOCKS } from './chunks.js';

const MAGIC_AT = 64;
const DEVICE_BYTES_AT = 112;
const TAKEN_AT = 201 + 16;
const FIRST_CHUNK = 1024 * 1024;

/**
 * Where a fresh btrfs that starts `offset` bytes into a file has data: its chunks lie one behind the other, from the front.
 *
 * @returns places from its start on.
 * @throws `ICT_DISK_FILESYSTEM` when there is none.
 */
export async function btrfsData(file: FileHandle, offset: number): Promise<readonly ByteRange[]> {
  const bytes = Buffer.alloc(BTRFS_SUPERBLOCK_BYTES);
  await file.read(bytes, 0, bytes.length, offset + SUPERBLOCKS[0]);
  if (bytes.toString('latin1', MAGIC_AT, MAGIC_AT + BTRFS_MAGIC.length) !== BTRFS_MAGIC)
    throw diskError('ICT_DISK_FILESYSTEM', { message: `no btrfs starts at byte ${offset} of the disk image` });
  const deviceBytes = Number(bytes.readBigUInt64LE(DEVICE_BYTES_AT));
  const copies = SUPERBLOCKS.filter((at) => at + BTRFS_SUPERBLOCK_BYTES <= deviceBytes).map((at) => ({
    offset: at,
    length: BTRFS_SUPERBLOCK_BYTES,
  }));
  return [{ offset: 0, length: FIRST_CHUNK + Number(bytes.readBigUInt64LE(TAKEN_AT)) }, ...copies];
}
