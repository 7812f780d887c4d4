import { open, type FileHandle } from 'node:fs/promises';
import { BACKUP_SECTORS, PRIMARY_SECTORS, SECTOR_BYTES, type ByteRange } from '@ict/image-parts';
import { btrfsData } from './btrfs/used-chunks.js';
import { readExtSuperblock } from './ext-superblock.js';
import { erofsBytes } from './erofs-superblock.js';
import { filesystemOf, type ReadOnlyKind } from './filesystems.js';
import { readFatGeometry } from './read-fat-geometry.js';
import type { DiskLayout, PlacedPartition } from './partitions.js';
import { verityBytesAt } from './verity-tree.js';
import { xfsData } from './xfs/used-blocks.js';
import { squashfsBytes } from './squashfs-superblock.js';

const BLOCKS_UNINITIALISED = 0x2;

/** How many bytes of its partition each takes, from the front. */
const BYTES_OF: Readonly<Record<ReadOnlyKind, (file: FileHandle, offset: number) => Promise<number>>> = {
  erofs: erofsBytes,
  squashfs: squashfsBytes,
};

/**
 * Where a fresh disk image has data, as its filesystems tell: a hint for {@link readPieces}, which may be wrong without harm.
 *
 * @throws `ICT_DISK_FILESYSTEM` when a filesystem of the layout is not there.
 */
export async function likelyData(path: string, layout: DiskLayout): Promise<readonly ByteRange[]> {
  await using file = await open(path, 'r');
  const ranges: ByteRange[] = [
    { offset: 0, length: PRIMARY_SECTORS * SECTOR_BYTES },
    { offset: (layout.sectors - BACKUP_SECTORS) * SECTOR_BYTES, length: BACKUP_SECTORS * SECTOR_BYTES },
  ];
  for (const placed of layout.partitions) {
    const { offsetBytes } = placed;
    for (const { offset, length } of await partitionData(file, placed)) ranges.push({ offset: offsetBytes + offset, length });
  }
  return merge(ranges, 1024 * 1024);
}

/** @returns places from the start of the partition on. */
async function partitionData(file: FileHandle, placed: PlacedPartition): Promise<readonly ByteRange[]> {
  const { spec, offsetBytes } = placed;
  const { writing } = filesystemOf(spec);
  switch (writing.family) {
    case 'ext':
      return extData(file, offsetBytes);
    case 'btrfs':
      return btrfsData(file, offsetBytes);
    case 'xfs':
      return xfsData(file, offsetBytes);
    case 'fat': {
      const { dataOffset, clusterBytes, usedClusters } = await readFatGeometry(file, offsetBytes, spec.id);
      // A fresh FAT fills its clusters from the front.
      return [{ offset: 0, length: dataOffset + usedClusters * clusterBytes }];
    }
    case 'read-only':
      return [{ offset: 0, length: await BYTES_OF[writing.kind](file, offsetBytes) }];
    case 'empty':
      return [{ offset: 0, length: (await verityBytesAt(file, offsetBytes)) ?? Math.min(placed.sizeBytes, 4096) }];
    case 'swap':
      return [{ offset: 0, length: Math.min(placed.sizeBytes, 4096) }];
    default:
      return writing satisfies never;
  }
}

/** Blocks that the bitmaps of an ext filesystem say are used. */
async function extData(file: FileHandle, offset: number): Promise<readonly ByteRange[]> {
  const superblock = await readExtSuperblock(file, offset);
  const { blockBytes, blocks, blocksPerGroup, firstDataBlock, descriptorBytes, groups } = superblock;
  const descriptors = Buffer.alloc(groups * descriptorBytes);
  await file.read(descriptors, 0, descriptors.length, offset + superblock.descriptorsOffset);
  const ranges: ByteRange[] = [];
  const bitmap = Buffer.alloc(Math.ceil(blocksPerGroup / 8));
  for (let group = 0; group < groups; group++) {
    const descriptor = descriptors.subarray(group * descriptorBytes, (group + 1) * descriptorBytes);
    if ((descriptor.readUInt16LE(0x12) & BLOCKS_UNINITIALISED) !== 0) continue;
    const high = descriptorBytes > 32 ? descriptor.readUInt32LE(0x20) * 2 ** 32 : 0;
    await file.read(bitmap, 0, bitmap.length, offset + (descriptor.readUInt32LE(0) + high) * blockBytes);
    const first = firstDataBlock + group * blocksPerGroup;
    const count = Math.min(blocksPerGroup, blocks - first);
    for (let byte = 0; byte * 8 < count; byte++) {
      if (bitmap[byte] !== 0) ranges.push({ offset: (first + byte * 8) * blockBytes, length: 8 * blockBytes });
    }
  }
  return ranges;
}

/** Sorted ranges, joined where less than `gap` bytes lie between them. */
export function merge(ranges: readonly ByteRange[], gap: number): readonly ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1);
    if (last === undefined || range.offset > last.offset + last.length + gap) merged.push(range);
    else merged[merged.length - 1] = { offset: last.offset, length: Math.max(last.length, range.offset + range.length - last.offset) };
  }
  return merged;
}
