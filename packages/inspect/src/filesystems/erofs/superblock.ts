import { crc32c, uuidText } from '@ict/image-parts';
import { fieldText, type Bytes } from '../../bytes.js';
import type { FilesystemSummary } from '../filesystem.js';

const SUPERBLOCK_AT = 1024;
const SUPERBLOCK_BYTES = 128;
const MAGIC = 0xe0f5_e1e2;
const BLOCK_BITS = { least: 9, most: 16 };
const HAS_CHECKSUM = 0x1;
const PADDED = 0x1;
const CONFIGURED = 0x2;

/** What the superblock may say that is not read here. */
const REFUSED: readonly { readonly bits: number; readonly reason: string }[] = [
  { bits: 0x10, reason: 'ends of files are packed (ztailpacking)' },
  { bits: 0x20, reason: 'parts of files are shared (fragments, dedupe)' },
  { bits: 0x40, reason: 'names of extended attributes have prefixes of its own' },
];
/** Padded blocks, compression that says what it is, files in chunks, and a second kind of compression or further devices. */
const KNOWN_FEATURES = PADDED | CONFIGURED | 0x4 | 0x8;
/** By their bits. */
const ALGORITHMS = ['lz4', 'lzma', 'deflate', 'zstd'];

/** What an erofs says of itself. */
export interface Superblock {
  readonly blockBytes: number;
  /** Where inodes are counted from, and extended attributes that several have. */
  readonly inodesAt: number;
  readonly attributesAt: number;
  readonly root: number;
  /** When it was made, which small inodes have as their time. */
  readonly seconds: number;
  /** Compressed blocks are filled up in front, and not behind. */
  readonly isPadded: boolean;
}

/**
 * Reads the superblock of an erofs.
 *
 * @returns undefined when there is none; the reason in its place where its files are not read.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h of the kernel
 */
export async function readSuperblock(
  bytes: Bytes,
): Promise<{ readonly summary: FilesystemSummary; readonly superblock: Superblock | string } | undefined> {
  if (bytes.sizeBytes < SUPERBLOCK_AT + SUPERBLOCK_BYTES) return undefined;
  const block = await bytes.read(SUPERBLOCK_AT, SUPERBLOCK_BYTES);
  if (block.readUInt32LE(0) !== MAGIC) return undefined;
  const blockBits = block.readUInt8(12);
  if (blockBits < BLOCK_BITS.least || blockBits > BLOCK_BITS.most)
    throw new RangeError(`the superblock of the erofs is damaged: blocks of 2^${blockBits} bytes`);
  const blockBytes = 2 ** blockBits;
  if ((block.readUInt32LE(8) & HAS_CHECKSUM) !== 0) await requireChecksum(bytes, blockBytes, block.readUInt32LE(4));
  const label = fieldText(block, 64, 80);
  const summary = {
    type: 'erofs',
    ...(label === '' ? {} : { label }),
    id: uuidText(block.subarray(48, 64)),
    sizeBytes: block.readUInt32LE(36) * blockBytes,
  };
  const superblock: Superblock = {
    blockBytes,
    inodesAt: block.readUInt32LE(40) * blockBytes,
    attributesAt: block.readUInt32LE(44) * blockBytes,
    root: block.readUInt16LE(14),
    seconds: Number(block.readBigInt64LE(24)),
    isPadded: (block.readUInt32LE(80) & PADDED) !== 0,
  };
  return { summary, superblock: refusal(block) ?? superblock };
}

/** It is of the rest of the block in which the superblock starts, with nothing in its own place. */
async function requireChecksum(bytes: Bytes, blockBytes: number, expected: number): Promise<void> {
  const length = blockBytes > SUPERBLOCK_AT ? blockBytes - SUPERBLOCK_AT : blockBytes;
  const block = Buffer.from(await bytes.read(SUPERBLOCK_AT, length));
  block.writeUInt32LE(0, 4);
  if (crc32c(block) !== expected) throw new RangeError('the superblock of the erofs is damaged: its checksum is wrong');
}

function refusal(block: Buffer): string | undefined {
  const features = block.readUInt32LE(80);
  const refused = REFUSED.find(({ bits }) => (features & bits) !== 0);
  if (refused !== undefined) return refused.reason;
  const unknown = (features & ~KNOWN_FEATURES) >>> 0;
  if (unknown !== 0) return `it has features that are not known here (0x${unknown.toString(16)})`;
  if (block.readUInt16LE(86) !== 0) return `it lies on ${block.readUInt16LE(86) + 1} devices`;
  if (block.readUInt8(90) !== 0) return 'its directories have blocks of another size';
  const algorithms = (features & CONFIGURED) === 0 ? 1 : block.readUInt16LE(84);
  const others = ALGORITHMS.filter((_name, bit) => bit > 0 && (algorithms & (1 << bit)) !== 0);
  return others.length === 0 ? undefined : `files of it are compressed with ${others.join(' and ')}`;
}
