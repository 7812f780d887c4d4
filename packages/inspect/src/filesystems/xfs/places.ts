import { XFS_SECTOR_BYTES, xfsChecksum, type XfsHeader } from '@ict/image-parts';
import { readWideBE } from '../../bytes.js';
import type { Superblock } from './superblock.js';

/** Where blocks begin that lie one behind the other, in bytes. @throws RangeError where there are none, or not in one group. */
export function placeOfBlocks({ blocks, blockBytes, groupBlocks, groupBits }: Superblock, number: number, count = 1): number {
  const within = number % 2 ** groupBits;
  const at = Math.floor(number / 2 ** groupBits) * groupBlocks + within;
  if (within + count > groupBlocks || at + count > blocks)
    throw new RangeError(`the xfs has no block ${number} with ${count - 1} behind it`);
  return at * blockBytes;
}

/** Where an inode lies. @throws RangeError where there is none. */
export function placeOfInode(superblock: Superblock, number: number): number {
  const { blockBytes, inodeBytes } = superblock;
  const each = blockBytes / inodeBytes;
  return placeOfBlocks(superblock, Math.floor(number / each)) + (number % each) * inodeBytes;
}

/**
 * Holds a block against what it says of itself.
 *
 * @param at where it lies. @param owner the inode that has it.
 * @throws RangeError when its checksum is wrong, or it belongs elsewhere.
 */
export function requireDescribed(block: Buffer, header: XfsHeader, at: number, owner: number): void {
  const isSound =
    xfsChecksum(block, header.checksum) === block.readUInt32LE(header.checksum) &&
    readWideBE(block, header.place) === at / XFS_SECTOR_BYTES &&
    readWideBE(block, header.owner) === owner;
  if (!isSound) throw new RangeError(`inode ${owner} of the xfs is damaged: its block at byte ${at}`);
}
