import { FAT32_MINIMUM_BYTES, type FatWidth } from '@ict/image-parts';
import type { PartitionSpec } from '@ict/plugin-api';
import { diskError } from './errors.js';

export type ExtKind = 'ext2' | 'ext3' | 'ext4';

/** The member of the ext family that the partition asks for, if any. */
export function extKind(spec: PartitionSpec): ExtKind | undefined {
  return spec.filesystem === 'ext2' || spec.filesystem === 'ext3' || spec.filesystem === 'ext4' ? spec.filesystem : undefined;
}

/** True when the partition asks for a FAT, of whatever width. */
export function isFat(spec: PartitionSpec): boolean {
  return spec.filesystem === 'fat16' || spec.filesystem === 'fat32' || spec.filesystem === 'vfat';
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

/**
 * The partition's type for mount(8) and the third field of fstab(5).
 *
 * @throws `ICT_DISK_LAYOUT` when it has no filesystem.
 */
export function mountType(spec: PartitionSpec): string {
  switch (spec.filesystem) {
    case 'fat16':
    case 'fat32':
    case 'vfat':
      return 'vfat';
    case 'ext2':
    case 'ext3':
    case 'ext4':
    case 'xfs':
    case 'btrfs':
    case 'erofs':
    case 'squashfs':
      return spec.filesystem;
    case 'linux-swap':
      return 'swap';
    case 'none':
      throw diskError('ICT_DISK_LAYOUT', {
        message: `partition "${spec.id}" has a mount point but no filesystem`,
        hint: 'Give it an fsType, or remove mountPoint.',
        facts: { partition: spec.id },
      });
  }
}
