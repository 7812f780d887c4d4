import type { Bytes } from '../bytes.js';
import { openBtrfs } from './btrfs/open-btrfs.js';
import { openErofs } from './erofs/open-erofs.js';
import { openExt } from './ext.js';
import { openFat } from './fat.js';
import type { OpenedFilesystem } from './filesystem.js';
import { openIso9660 } from './iso-9660.js';
import { openSquashfs } from './squashfs/open-squashfs.js';
import { openMarked } from './superblock-marks.js';
import { openXfs } from './xfs/open-xfs.js';

/**
 * What may lie in a partition. Each looks whether it does, and answers undefined when not: first the filesystems whose files are read, then what
 * is known by its superblock alone; FAT is last, as little tells one.
 */
const READERS: readonly ((bytes: Bytes) => Promise<OpenedFilesystem | undefined>)[] = [
  openExt,
  openBtrfs,
  openXfs,
  openSquashfs,
  openErofs,
  openIso9660,
  openMarked,
  openFat,
];

/**
 * Tells what lies in a partition, and opens it where its files can be read.
 *
 * @returns undefined for what nobody knows, such as an empty partition.
 * @throws RangeError where it is damaged.
 */
export async function openFilesystem(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  for (const open of READERS) {
    const opened = await open(bytes);
    if (opened !== undefined) return opened;
  }
  return undefined;
}
