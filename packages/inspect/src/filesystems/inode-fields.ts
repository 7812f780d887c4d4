import { FILE_TYPE_BITS } from '@ict/image-parts';
import { compareText } from '@ict/integrity';
import type { EntryType } from '@ict/plugin-api';
import type { FileEntry } from './filesystem.js';
import { MOST_FILE_BYTES, MOST_TARGET_BYTES } from './limits.js';

const TYPES: ReadonlyMap<number, EntryType> = new Map(
  (Object.entries(FILE_TYPE_BITS) as [EntryType, number][]).map(([type, bits]) => [bits, type]),
);

/** What the mode of an inode says that it is. @throws RangeError where it is nothing. */
export function typeOf(mode: number, path: string, inode: number): EntryType {
  const type = TYPES.get(mode & 0o170000);
  if (type === undefined) throw new RangeError(`${path} has inode ${inode}, which is none`);
  return type;
}

/** @throws RangeError for more than there is of anything: a hole of any size would be read for as long as that takes. */
export function requireSize(path: string, type: EntryType, sizeBytes: number): void {
  if (type === 'symlink' && sizeBytes > MOST_TARGET_BYTES) throw new RangeError(`the target of ${path} has ${sizeBytes} bytes`);
  if (sizeBytes > MOST_FILE_BYTES) throw new RangeError(`${path} has ${sizeBytes} bytes, more than a file has`);
}

/** Major and minor number of a device, as the kernel packs them into 32 bits. @see new_decode_dev in include/linux/kdev_t.h of the kernel */
export function unpackDevice(device: number): readonly [major: number, minor: number] {
  return [(device & 0xf_ff00) >> 8, (device & 0xff) | ((device >>> 12) & 0xf_ff00)];
}

/** Beginnings of names of extended attributes that ext and erofs store as a number; 2 and 3 are whole names. */
export const ATTRIBUTE_PREFIXES: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
};

/** Extended attributes as an entry has them, in one order wherever they are stored. */
export function attributesOf(found: Iterable<readonly [name: string, value: string]>): Pick<FileEntry, 'attributes'> {
  const sorted = [...found].sort(([a], [b]) => compareText(a, b));
  return sorted.length === 0 ? {} : { attributes: Object.fromEntries(sorted) };
}
