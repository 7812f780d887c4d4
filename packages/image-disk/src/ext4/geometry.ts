import type { BlockRange } from '../free-blocks.js';

export const BLOCK_BYTES = 4096;
export const INODE_BYTES = 256;
export const DESCRIPTOR_BYTES = 64;
/** What one block of bitmap can tell. */
export const BLOCKS_PER_GROUP = BLOCK_BYTES * 8;
/** Groups whose bitmaps and inode tables lie together, as a power of two. */
export const LOG_GROUPS_PER_FLEX = 4;
/** Inodes that are not for files: the root is 2, the resize inode 7, the journal 8. */
export const FIRST_FREE_INODE = 11;

const BYTES_PER_INODE = 16384;
const NUMBERS_PER_BLOCK = BLOCK_BYTES / 4;
const DESCRIPTORS_PER_BLOCK = BLOCK_BYTES / DESCRIPTOR_BYTES;
const GROUPS_PER_FLEX = 1 << LOG_GROUPS_PER_FLEX;
/** A last group that would have less room for files than this is left out, as mke2fs does. */
const LEAST_BLOCKS_OF_GROUP = 50;
/** How many times as large the filesystem may grow while it is mounted. */
const GROWTH = 1024;
/** More blocks than the 32 bits of the resize inode can name. */
const MAX_BLOCKS = 0xffff_ffff;

/** Blocks where a group's bitmaps and its part of the inode table lie. */
export interface GroupPlaces {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
}

/** Where an ext4 filesystem of some size has everything that is no file. */
export interface Geometry {
  readonly blocks: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  /** Blocks of each group's part of the inode table. */
  readonly tableBlocks: number;
  readonly descriptorBlocks: number;
  /** Blocks behind the descriptors that are kept for growing. */
  readonly reservedDescriptorBlocks: number;
  /** By group. */
  readonly groups: readonly GroupPlaces[];
  /** Blocks of the journal; 0 in a filesystem that is too small for one. */
  readonly journalBlocks: number;
  /** What is left for journal, directories and files, in order. */
  readonly free: readonly BlockRange[];
}

/**
 * Lays out a filesystem as mke2fs does with the features that ext4 has here: groups of 32768 blocks, an inode for each 16 KiB, room for
 * descriptors of 1024 times the size, bitmaps and tables of 16 groups together.
 *
 * @returns undefined when there are too few blocks for a filesystem, or more than 32 bits count.
 */
export function layOut(wantedBlocks: number): Geometry | undefined {
  if (wantedBlocks < 1 || wantedBlocks > MAX_BLOCKS) return undefined;
  const count = Math.ceil(wantedBlocks / BLOCKS_PER_GROUP);
  const perTableBlock = BLOCK_BYTES / INODE_BYTES;
  const wantedInodes = Math.max(Math.floor((wantedBlocks * BLOCK_BYTES) / BYTES_PER_INODE), FIRST_FREE_INODE + 1);
  const tableBlocks = Math.ceil(Math.ceil(wantedInodes / count) / perTableBlock);
  const descriptorBlocks = Math.ceil(count / DESCRIPTORS_PER_BLOCK);
  const reservedDescriptorBlocks = descriptorBlocksToGrow(wantedBlocks, descriptorBlocks);
  const backupBlocks = 1 + descriptorBlocks + reservedDescriptorBlocks;
  const inLastGroup = wantedBlocks % BLOCKS_PER_GROUP;
  const overhead = (hasBackup(count - 1) ? backupBlocks : 0) + ((count - 1) % GROUPS_PER_FLEX === 0 ? 2 + tableBlocks : 0);
  if (inLastGroup > 0 && inLastGroup < overhead + LEAST_BLOCKS_OF_GROUP) return layOut(wantedBlocks - inLastGroup);
  const groups: GroupPlaces[] = [];
  const taken: BlockRange[] = [];
  for (let group = 0; group < count; group++) {
    const start = group * BLOCKS_PER_GROUP;
    const backup = hasBackup(group) ? backupBlocks : 0;
    if (backup > 0) taken.push({ at: start, count: backup });
    if (group % GROUPS_PER_FLEX !== 0) continue;
    const together = Math.min(GROUPS_PER_FLEX, count - group);
    const at = start + backup;
    for (let index = 0; index < together; index++) {
      const inodeTable = at + 2 * together + index * tableBlocks;
      groups.push({ blockBitmap: at + index, inodeBitmap: at + together + index, inodeTable });
    }
    taken.push({ at, count: together * (2 + tableBlocks) });
  }
  return {
    blocks: wantedBlocks,
    inodes: count * tableBlocks * perTableBlock,
    inodesPerGroup: tableBlocks * perTableBlock,
    tableBlocks,
    descriptorBlocks,
    reservedDescriptorBlocks,
    groups,
    journalBlocks: journalBlocks(wantedBlocks),
    free: between(taken, wantedBlocks),
  };
}

/** What keeps an ext2, ext3 or ext4 from having a size; undefined when nothing does. The smallest of all has 55 blocks, and no journal. */
export function extSizeProblem(sizeBytes: number): 'too small' | 'too large' | undefined {
  const blocks = Math.floor(sizeBytes / BLOCK_BYTES);
  if (blocks > MAX_BLOCKS) return 'too large';
  return layOut(blocks) === undefined ? 'too small' : undefined;
}

/** Whether a group begins with copies of superblock and descriptors: 0, 1, and powers of 3, 5 and 7 (sparse_super). */
export function hasBackup(group: number): boolean {
  return group <= 1 || [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

function descriptorBlocksToGrow(blocks: number, descriptorBlocks: number): number {
  const groups = Math.ceil(Math.min(blocks * GROWTH, MAX_BLOCKS) / BLOCKS_PER_GROUP);
  return Math.min(Math.ceil(groups / DESCRIPTORS_PER_BLOCK) - descriptorBlocks, NUMBERS_PER_BLOCK);
}

/** Sizes of filesystems, in blocks, from which a journal has this many. @see mke2fs(8), `-J size` */
const JOURNALS = [
  [32768 * 1024, 262144],
  [16384 * 1024, 131072],
  [8192 * 1024, 65536],
  [4096 * 1024, 32768],
  [512 * 1024, 16384],
  [256 * 1024, 8192],
  [32768, 4096],
  [2048, 1024],
] as const;

function journalBlocks(blocks: number): number {
  return JOURNALS.find(([from]) => blocks >= from)?.[1] ?? 0;
}

/** What lies between ranges that are in order, up to `end`. */
function between(taken: readonly BlockRange[], end: number): BlockRange[] {
  const free: BlockRange[] = [];
  let at = 0;
  for (const range of [...taken, { at: end, count: 0 }]) {
    if (range.at > at) free.push({ at, count: range.at - at });
    at = range.at + range.count;
  }
  return free;
}
