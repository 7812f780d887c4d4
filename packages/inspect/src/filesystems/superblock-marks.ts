import { uuidText } from '@ict/image-parts';
import { fieldText, type Bytes } from '../bytes.js';
import type { FilesystemSummary, OpenedFilesystem } from './filesystem.js';

/** What is known by its superblock alone: the bytes that tell it, and where they are. */
interface Mark {
  readonly at: number;
  readonly bytes: Buffer;
  /** How much of the beginning says the rest. */
  readonly headBytes: number;
  readonly summary: (head: Buffer) => FilesystemSummary;
}

/** Filesystems, and what else lies in partitions, whose files are not read here. */
const MARKS: readonly Mark[] = [
  {
    at: 4086,
    bytes: Buffer.from('SWAPSPACE2'),
    headBytes: 4096,
    summary: (head) => ({
      type: 'swap',
      ...named(head, 1052, 16),
      id: uuidAt(head, 1036),
      sizeBytes: (head.readUInt32LE(1028) + 1) * 4096,
    }),
  },
  {
    at: 0,
    bytes: Buffer.from('LUKS\xba\xbe', 'latin1'),
    headBytes: 592,
    summary: (head) => ({
      type: 'crypto_LUKS',
      ...(head.readUInt16BE(6) === 2 ? named(head, 24, 48) : {}),
      id: fieldText(head, 168, 208),
    }),
  },
  {
    at: 0,
    bytes: Buffer.from('verity\0\0', 'latin1'),
    headBytes: 512,
    summary: (head) => ({ type: 'verity', id: uuidAt(head, 16) }),
  },
];

/** Tells what is known by its superblock alone; undefined for anything else. */
export async function openMarked(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  for (const { at, bytes: mark, headBytes, summary } of MARKS) {
    if (bytes.sizeBytes >= headBytes && (await bytes.read(at, mark.length)).equals(mark))
      return { summary: summary(await bytes.read(0, headBytes)) };
  }
  return undefined;
}

function named(bytes: Buffer, at: number, most: number): { readonly label?: string } {
  const label = fieldText(bytes, at, at + most);
  return label === '' ? {} : { label };
}

function uuidAt(bytes: Buffer, at: number): string {
  return uuidText(bytes.subarray(at, at + 16));
}
