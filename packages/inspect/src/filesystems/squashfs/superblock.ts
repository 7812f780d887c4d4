import { readWide, type Bytes } from '../../bytes.js';
import type { BlockCompression } from '../decompress-block.js';
import type { FilesystemSummary } from '../filesystem.js';

const SUPERBLOCK_BYTES = 96;
const MAGIC = Buffer.from('hsqs');
/** What stands in place of a table that there is none of. */
const NO_TABLE = 0xffff_ffff_ffff_ffffn;
const BLOCK_BITS = { least: 12, most: 20 };

/** By their numbers; lzma and lzo are not read. */
const COMPRESSIONS: readonly { readonly name: string; readonly kind?: BlockCompression }[] = [
  { name: 'none' },
  { name: 'gzip', kind: 'zlib' },
  { name: 'lzma' },
  { name: 'lzo' },
  { name: 'xz', kind: 'xz' },
  { name: 'lz4', kind: 'lz4' },
  { name: 'zstd', kind: 'zstd' },
];

/** What a squashfs says of itself. */
export interface Superblock {
  readonly compression: BlockCompression;
  readonly blockBytes: number;
  readonly ids: number;
  readonly fragments: number;
  /** Of the root directory: where a block starts from the table of inodes on, and a place in its content. */
  readonly root: { readonly block: number; readonly offset: number };
  readonly idTable: number;
  readonly inodeTable: number;
  readonly directoryTable: number;
  /** Undefined where there are none. */
  readonly fragmentTable: number | undefined;
  readonly attributeTable: number | undefined;
}

/**
 * Reads the superblock of a squashfs.
 *
 * @returns undefined when there is none; the reason in its place where its files are not read.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of the kernel
 */
export async function readSuperblock(
  bytes: Bytes,
): Promise<{ readonly summary: FilesystemSummary; readonly superblock: Superblock | string } | undefined> {
  if (bytes.sizeBytes < SUPERBLOCK_BYTES) return undefined;
  const block = await bytes.read(0, SUPERBLOCK_BYTES);
  if (!block.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const sizeBytes = readWide(block, 40);
  const summary = { type: 'squashfs', sizeBytes };
  const version = `${block.readUInt16LE(28)}.${block.readUInt16LE(30)}`;
  if (version !== '4.0') return { summary, superblock: `it is of version ${version}` };
  const number = block.readUInt16LE(20);
  const { name, kind } = COMPRESSIONS[number] ?? { name: String(number) };
  if (kind === undefined) return { summary, superblock: `it is compressed with ${name}` };
  if (sizeBytes > bytes.sizeBytes) throw new RangeError(`the squashfs has ${sizeBytes} bytes, more than are there`);
  const [blockBytes, blockBits] = [block.readUInt32LE(12), block.readUInt16LE(22)];
  if (blockBits < BLOCK_BITS.least || blockBits > BLOCK_BITS.most || blockBytes !== 2 ** blockBits)
    throw new RangeError(`the superblock of the squashfs is damaged: blocks of ${blockBytes} bytes`);
  const optional = (at: number): number | undefined => (block.readBigUInt64LE(at) === NO_TABLE ? undefined : readWide(block, at));
  const superblock: Superblock = {
    compression: kind,
    blockBytes,
    ids: block.readUInt16LE(26),
    fragments: block.readUInt32LE(16),
    root: { block: block.readUIntLE(34, 6), offset: block.readUInt16LE(32) },
    idTable: readWide(block, 48),
    inodeTable: readWide(block, 64),
    directoryTable: readWide(block, 72),
    fragmentTable: optional(80),
    attributeTable: optional(56),
  };
  return { summary, superblock };
}
