import type { FileHandle } from 'node:fs/promises';
import { XFS_HEADER_BYTES, XFS_MAGIC, type ByteRange } from '@ict/image-parts';
import type { BlockRange } from '../free-blocks.js';
import { diskError } from '../errors.js';
import { BLOCK_BYTES, GROUP_BLOCK, SECTOR_BYTES } from './constants.js';
import { FREE_RECORD_BYTES } from './group-trees.js';

/**
 * Where a fresh xfs that starts `offset` bytes into a file has data: what its groups do not have as free, without the log, which is zeros but for its first block.
 *
 * @returns places from its start on.
 * @throws `ICT_DISK_FILESYSTEM` when there is none.
 */
export async function xfsData(file: FileHandle, offset: number): Promise<readonly ByteRange[]> {
  const superblock = Buffer.alloc(SECTOR_BYTES);
  await file.read(superblock, 0, SECTOR_BYTES, offset);
  if (superblock.toString('latin1', 0, XFS_MAGIC.length) !== XFS_MAGIC)
    throw diskError('ICT_DISK_FILESYSTEM', { message: `no xfs starts at byte ${offset} of the disk image` });
  const groupBlocks = superblock.readUInt32BE(84);
  const log = { at: Number(superblock.readBigUInt64BE(48)), count: superblock.readUInt32BE(96) };
  const groupBits = superblock.readUInt8(124);
  const ranges: ByteRange[] = [];
  for (let group = 0; group < superblock.readUInt32BE(88); group++) {
    const start = group * groupBlocks * BLOCK_BYTES;
    const header = Buffer.alloc(SECTOR_BYTES);
    await file.read(header, 0, SECTOR_BYTES, offset + start + SECTOR_BYTES);
    const empty = await freeRanges(file, offset + start);
    if (Math.floor(log.at / 2 ** groupBits) === group) empty.push({ at: (log.at % 2 ** groupBits) + 1, count: log.count - 1 });
    let from = 0;
    for (const { at, count } of [...empty.sort((a, b) => a.at - b.at), { at: header.readUInt32BE(12), count: 0 }]) {
      ranges.push({ offset: start + from * BLOCK_BYTES, length: (at - from) * BLOCK_BYTES });
      from = at + count;
    }
  }
  return ranges.filter(({ length }) => length > 0);
}

/** What is free in a group, as its tree says, which has one block as long as nothing was removed. */
async function freeRanges(file: FileHandle, start: number): Promise<BlockRange[]> {
  const block = Buffer.alloc(BLOCK_BYTES);
  await file.read(block, 0, BLOCK_BYTES, start + GROUP_BLOCK.freeByPlace * BLOCK_BYTES);
  return Array.from({ length: block.readUInt16BE(6) }, (_, index) => {
    const at = XFS_HEADER_BYTES.groupTree + index * FREE_RECORD_BYTES;
    return { at: block.readUInt32BE(at), count: block.readUInt32BE(at + 4) };
  });
}
