import type { PartitionSpec } from '@ict/plugin-api';

export type ExtKind = 'ext2' | 'ext3' | 'ext4';
/** Widths of file allocation tables that firmware reads. */
export type FatWidth = 16 | 32;

const MIB = 1024 * 1024;
/** Below this a FAT32 has fewer than 65525 clusters, and firmware takes it for FAT16. */
export const FAT32_MINIMUM_BYTES = 34 * MIB;
/** Between these a FAT16 of usual cluster sizes has a cluster count that means FAT16. */
export const FAT16_MINIMUM_BYTES = 9 * MIB;
export const FAT16_MAXIMUM_BYTES = 2048 * MIB;

/** The member of the ext family that the partition asks for, if any. */
export function extKind(spec: PartitionSpec): ExtKind | undefined {
  return spec.filesystem === 'ext2' || spec.filesystem === 'ext3' || spec.filesystem === 'ext4' ? spec.filesystem : undefined;
}

/** FAT width for the partition, if it asks for a FAT; `vfat` leaves the choice, which falls on FAT32 where that is possible. */
export function fatWidth(spec: PartitionSpec, sizeBytes: number): FatWidth | undefined {
  switch (spec.filesystem) {
    case 'fat16':
      return 16;
    case 'fat32':
      return 32;
    case 'vfat':
      return sizeBytes >= FAT32_MINIMUM_BYTES ? 32 : 16;
    default:
      return undefined;
  }
}
