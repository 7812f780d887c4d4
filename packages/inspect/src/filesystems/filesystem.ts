import type { EntryType } from '@ict/plugin-api';
import type { Bytes } from '../bytes.js';

/** One name in a filesystem. */
export interface FileEntry {
  /** Absolute, from the root of this filesystem; of names that are no UTF-8 bytes are `\xNN`. */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits, with set-user-ID, set-group-ID and sticky. */
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  /** Of a file or the target of a link; 0 of what has no content. */
  readonly sizeBytes: number;
  /** When it was last changed, in seconds since 1970. */
  readonly seconds: number;
  /** Of a symbolic link. */
  readonly target?: string;
  /** Major and minor number of a device. */
  readonly device?: readonly [major: number, minor: number];
  /** Extended attributes by their whole names, in hexadecimal digits; absent when there are none. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** What several names of one file have in common. */
  readonly inode: number;
  /** The content of a file, where it lies in one piece and can be read at any place: another filesystem may be in it. */
  readonly bytes?: Bytes;
  /** Of the content of a file in an archive, of which all is read until its content comes. */
  readonly digest?: string;
  /** Of a file; nothing of anything else. */
  content(): AsyncGenerator<Buffer, void, undefined>;
}

/** What a filesystem says of itself. */
export interface FilesystemSummary {
  /** As `mount -t` names it; `swap`, `crypto_LUKS` and `verity` for what is none. */
  readonly type: string;
  /** Absent when it has none. */
  readonly label?: string;
  /** UUID in lower case, or the volume ID of a FAT (`ABCD-1234`). */
  readonly id?: string;
  /** What it takes of its partition, as far as it says so. */
  readonly sizeBytes?: number;
  readonly freeBytes?: number;
}

/** What lies in a partition. */
export interface OpenedFilesystem {
  readonly summary: FilesystemSummary;
  /** Absent where its files are not read. */
  readonly files?: ReadableFilesystem;
  /** Why the files of a kind that is read otherwise are not, such as a feature of it; to follow what it is called. */
  readonly unread?: string;
  /** What may have changes that are not in their places yet, as it was not unmounted; it is not read. */
  readonly pending?: 'journal' | 'log';
}

/** A filesystem whose files can be read. */
export interface ReadableFilesystem {
  /** Every name, directories before what they hold, sorted by bytes of the names within each. */
  walk(): AsyncGenerator<FileEntry, void, undefined>;
  /** Follows no links in the middle of a path, and none at its end. @returns undefined when there is nothing. */
  find(path: string): Promise<FileEntry | undefined>;
  /** Entries of a directory; undefined when there is none. */
  list(path: string): Promise<readonly FileEntry[] | undefined>;
}

/** All of a small file. @throws RangeError when it is larger than `most`. */
export async function wholeContent(entry: FileEntry, most = 1024 * 1024): Promise<Buffer> {
  if (entry.sizeBytes > most) throw new RangeError(`${entry.path} has ${entry.sizeBytes} bytes, more than ${most}`);
  return gathered(entry.content());
}

/** Pieces as one buffer. */
export async function gathered(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}
