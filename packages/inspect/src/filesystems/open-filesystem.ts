import type { Bytes } from '../bytes.js';
import { openExt } from './ext.js';
import { openFat } from './fat.js';
import type { FilesystemSummary, ReadableFilesystem } from './filesystem.js';
import { MARKS } from './superblock-marks.js';

/** What lies in a partition, and its files where they can be read. */
export interface OpenedFilesystem {
  readonly summary: FilesystemSummary;
  readonly files?: ReadableFilesystem;
}

/**
 * Tells what lies in a partition, and opens it where its files can be read: ext2, ext3, ext4 and FAT.
 *
 * @returns undefined for what nobody knows, such as an empty partition.
 * @throws RangeError where it is damaged.
 */
export async function openFilesystem(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  const opened = await openExt(bytes);
  if (opened !== undefined) return opened;
  for (const { at, bytes: mark, headBytes, summary } of MARKS) {
    if (bytes.sizeBytes < headBytes || !(await bytes.read(at, mark.length)).equals(mark)) continue;
    return { summary: summary(await bytes.read(0, headBytes)) };
  }
  return openFat(bytes); // last: little tells a FAT
}
