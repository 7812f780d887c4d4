/** Longest name, in UTF-16 units. */
export const MAX_NAME_UNITS = 255;
export const DIRECTORY_ENTRY_BYTES = 32;
/** Entries that a directory may have: its size is at most 2 MiB. */
export const MAX_ENTRIES = 65_536;

/** What an entry is, in its byte of attributes. */
export const VOLUME_LABEL_ATTRIBUTE = 0x08;
export const DIRECTORY_ATTRIBUTE = 0x10;
export const FILE_ATTRIBUTE = 0x20;
export const LONG_NAME_ATTRIBUTE = 0x0f;

/** First and last second, since 1970, that FAT can tell: from 1980 to 2107. */
const FAT_SECONDS = { first: Date.UTC(1980, 0, 1) / 1000, last: Date.UTC(2107, 11, 31, 23, 59, 58) / 1000 };

export interface DirectoryEntry {
  /** 11 bytes. */
  readonly name: Buffer;
  readonly attribute: number;
  /** First cluster; 0 for none, and for the root directory. */
  readonly cluster: number;
  readonly sizeBytes: number;
}

/**
 * One entry of a directory, all times being the same, in UTC.
 *
 * @param seconds since 1970; what FAT cannot tell becomes the nearest that it can.
 * @see Microsoft, FAT: General Overview of On-Disk Format, "FAT Directory Structure"
 */
export function encodeEntry({ name, attribute, cluster, sizeBytes }: DirectoryEntry, seconds: number): Buffer {
  const entry = Buffer.alloc(DIRECTORY_ENTRY_BYTES);
  const { date, time } = fatTime(seconds);
  name.copy(entry, 0);
  entry.writeUInt8(attribute, 11);
  entry.writeUInt16LE(time, 14);
  entry.writeUInt16LE(date, 16);
  entry.writeUInt16LE(date, 18);
  entry.writeUInt16LE(cluster >>> 16, 20);
  entry.writeUInt16LE(time, 22);
  entry.writeUInt16LE(date, 24);
  entry.writeUInt16LE(cluster & 0xffff, 26);
  entry.writeUInt32LE(sizeBytes, 28);
  return entry;
}

function fatTime(seconds: number): { readonly date: number; readonly time: number } {
  const at = new Date(Math.min(Math.max(seconds, FAT_SECONDS.first), FAT_SECONDS.last) * 1000);
  return {
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
  };
}
