import { crc32c, crc32cOfNumber } from '@ict/image-parts';
import { blocksOf, type BlockRange } from '../free-blocks.js';
import type { WrittenBlock } from '../image-file.js';
import { BLOCKS_PER_GROUP, BLOCK_BYTES, DESCRIPTOR_BYTES, LOG_GROUPS_PER_FLEX, type Geometry } from './geometry.js';

const INODES_UNUSED = 0x1;
const BLOCKS_UNUSED = 0x2;
const TABLE_ZEROED = 0x4;

/** What is in use. */
export interface Usage {
  /** Inodes 1 to this one are in use. */
  readonly lastInode: number;
  /** Numbers of the inodes that are directories. */
  readonly directories: readonly number[];
  /** Blocks that are free, in order. */
  readonly free: readonly BlockRange[];
}

/** Descriptors of all groups, and the bitmaps that they speak of: those of groups in use. */
export interface DescribedGroups {
  readonly descriptors: Buffer;
  readonly bitmaps: readonly WrittenBlock[];
}

/**
 * Describes every group. Bitmaps of groups that have nothing but what the kernel finds by itself are left out, as descriptors say.
 *
 * @param seed of the filesystem's checksums.
 * @see Documentation/filesystems/ext4/group_descr.rst and bitmaps.rst of the kernel
 */
export function describeGroups(geometry: Geometry, { lastInode, directories, free }: Usage, seed: number): DescribedGroups {
  const { groups, inodesPerGroup } = geometry;
  const descriptors = Buffer.alloc(geometry.descriptorBlocks * BLOCK_BYTES);
  const bitmaps: { at: number; bytes: Buffer }[] = [];
  const directoriesOf = new Map<number, number>();
  for (const inode of directories) {
    const group = Math.floor((inode - 1) / inodesPerGroup);
    directoriesOf.set(group, (directoriesOf.get(group) ?? 0) + 1);
  }
  const freeInGroups = byGroup(free);
  const freeAtFirst = byGroup(geometry.free);
  groups.forEach((places, group) => {
    const descriptor = descriptors.subarray(group * DESCRIPTOR_BYTES, (group + 1) * DESCRIPTOR_BYTES);
    const halves = (value: number, low: number, high: number): void => {
      descriptor.writeUInt16LE(value & 0xffff, low);
      descriptor.writeUInt16LE(value >>> 16, high);
    };
    const ranges = freeInGroups.get(group) ?? [];
    const usedInodes = Math.min(Math.max(lastInode - group * inodesPerGroup, 0), inodesPerGroup);
    // The kernel knows of a group's own copies and tables alone: not of those that the first of 16 groups has for the others.
    const untouched =
      group % (1 << LOG_GROUPS_PER_FLEX) !== 0 &&
      group !== groups.length - 1 &&
      blocksOf(ranges) === blocksOf(freeAtFirst.get(group) ?? []);
    descriptor.writeUInt32LE(places.blockBitmap, 0x0);
    descriptor.writeUInt32LE(places.inodeBitmap, 0x4);
    descriptor.writeUInt32LE(places.inodeTable, 0x8);
    halves(blocksOf(ranges), 0xc, 0x2c);
    halves(inodesPerGroup - usedInodes, 0xe, 0x2e);
    halves(directoriesOf.get(group) ?? 0, 0x10, 0x30);
    descriptor.writeUInt16LE(TABLE_ZEROED | (untouched ? BLOCKS_UNUSED : 0) | (usedInodes === 0 ? INODES_UNUSED : 0), 0x12);
    halves(inodesPerGroup - usedInodes, 0x1c, 0x32);
    if (!untouched) {
      const bytes = blockBitmap(ranges, group);
      bitmaps.push({ at: places.blockBitmap, bytes });
      halves(crc32c(bytes, seed), 0x18, 0x38);
    }
    if (usedInodes > 0) {
      const bytes = inodeBitmap(usedInodes, inodesPerGroup);
      bitmaps.push({ at: places.inodeBitmap, bytes });
      halves(crc32c(bytes.subarray(0, inodesPerGroup / 8), seed), 0x1a, 0x3a);
    }
    descriptor.writeUInt16LE(crc32c(descriptor, crc32cOfNumber(group, seed)) & 0xffff, 0x1e);
  });
  return { descriptors, bitmaps };
}

/** Parts of ranges by the group that they lie in. */
function byGroup(ranges: readonly BlockRange[]): Map<number, BlockRange[]> {
  const groups = new Map<number, BlockRange[]>();
  for (const { at: start, count } of ranges) {
    for (let at = start; at < start + count; ) {
      const group = Math.floor(at / BLOCKS_PER_GROUP);
      const end = Math.min(start + count, (group + 1) * BLOCKS_PER_GROUP);
      const parts = groups.get(group) ?? [];
      parts.push({ at, count: end - at });
      groups.set(group, parts);
      at = end;
    }
  }
  return groups;
}

/** A bit for each block of a group, set unless it is free; those behind the last block of the filesystem are never free. */
function blockBitmap(free: readonly BlockRange[], group: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES, 0xff);
  for (const { at, count } of free) clearBits(bytes, at - group * BLOCKS_PER_GROUP, count);
  return bytes;
}

function inodeBitmap(used: number, inodesPerGroup: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES, 0xff);
  clearBits(bytes, used, inodesPerGroup - used);
  return bytes;
}

function clearBits(bytes: Buffer, from: number, count: number): void {
  const end = from + count;
  for (let bit = from; bit < end; ) {
    if (bit % 8 === 0 && end - bit >= 8) {
      const whole = Math.floor((end - bit) / 8);
      bytes.fill(0, bit / 8, bit / 8 + whole);
      bit += whole * 8;
    } else {
      bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(1 << (bit & 7));
      bit++;
    }
  }
}
