import { hash } from 'node:crypto';
import { BTRFS_CHECKSUM_BYTES, BTRFS_MAGIC, BTRFS_SUPERBLOCK_AT, BTRFS_SUPERBLOCK_BYTES, btrfsChecksum, uuidText } from '@ict/image-parts';
import { fieldText, readWide, type Bytes } from '../../bytes.js';
import type { FilesystemSummary } from '../filesystem.js';

/** Where a tree starts. */
export interface TreeRoot {
  readonly at: number;
  /** Of blocks between it and the leaves. */
  readonly level: number;
}

/** What a btrfs says of itself. */
export interface Superblock {
  readonly summary: FilesystemSummary;
  /** Why its files are not read; undefined for one that is. */
  readonly refusal?: string | undefined;
  /** Whether files were written since its trees were. */
  readonly hasLog: boolean;
  readonly nodeBytes: number;
  readonly device: number;
  readonly root: TreeRoot;
  readonly chunkRoot: TreeRoot;
  /** Chunks that hold the tree of chunks: keys and items, one behind the other. */
  readonly systemChunks: Buffer;
  /** Whether a block has the checksum that stands in it. */
  readonly isSound: (block: Buffer) => boolean;
}

const MOST_SYSTEM_CHUNK_BYTES = 2048;
const MOST_LEVELS = 8;
const SIZES = { least: 4096, most: 65_536 };
const LZO = 0x8;
/**
 * References of any kind, a default subvolume, contents and trees in one chunk, zstd, large blocks, extended references, short items of blocks,
 * no items for holes, a UUID that was changed, simple quotas.
 */
const KNOWN_FEATURES = 0x1 | 0x2 | 0x4 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1_0000;

/** By their numbers. */
const CHECKSUMS: readonly { readonly name: string; readonly of?: (block: Buffer) => Buffer }[] = [
  { name: 'crc32c', of: btrfsChecksum },
  { name: 'xxhash64' },
  { name: 'sha256', of: (block) => hash('sha256', block.subarray(BTRFS_CHECKSUM_BYTES), 'buffer') },
  { name: 'blake2b' },
];

/**
 * Reads the first superblock of a btrfs.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see btrfs_super_block in include/uapi/linux/btrfs_tree.h of the kernel
 */
export async function readSuperblock(bytes: Bytes): Promise<Superblock | undefined> {
  if (bytes.sizeBytes < BTRFS_SUPERBLOCK_AT + BTRFS_SUPERBLOCK_BYTES) return undefined;
  const block = await bytes.read(BTRFS_SUPERBLOCK_AT, BTRFS_SUPERBLOCK_BYTES);
  if (block.toString('latin1', 64, 72) !== BTRFS_MAGIC) return undefined;
  const checksum = CHECKSUMS[block.readUInt16LE(196)];
  const isSound = (of: Buffer): boolean => {
    const sum = checksum?.of?.(of);
    return sum === undefined || sum.equals(of.subarray(0, sum.length));
  };
  if (!isSound(block)) throw new RangeError('the superblock of the btrfs is damaged: its checksum is wrong');
  const label = fieldText(block, 0x12b, 0x12b + 256);
  const sizeBytes = readWide(block, 112);
  const root = (at: number, level: number): TreeRoot => ({ at: readWide(block, at), level: block.readUInt8(level) });
  const found = {
    summary: {
      type: 'btrfs',
      ...(label === '' ? {} : { label }),
      id: uuidText(block.subarray(32, 48)),
      sizeBytes,
      freeBytes: Math.max(0, sizeBytes - readWide(block, 120)),
    },
    refusal: refusal(block, checksum),
    hasLog: readWide(block, 96) !== 0,
    nodeBytes: block.readUInt32LE(148),
    device: readWide(block, 201),
    root: root(80, 198),
    chunkRoot: root(88, 199),
    systemChunks: block.subarray(811, 811 + block.readUInt32LE(160)),
    isSound,
  };
  const { nodeBytes, systemChunks } = found;
  if (found.refusal === undefined) {
    const isSize = nodeBytes >= SIZES.least && nodeBytes <= SIZES.most && (nodeBytes & (nodeBytes - 1)) === 0;
    if (!isSize) throw new RangeError(`the superblock of the btrfs is damaged: blocks of ${nodeBytes} bytes`);
    if (systemChunks.length > MOST_SYSTEM_CHUNK_BYTES || Math.max(found.root.level, found.chunkRoot.level) >= MOST_LEVELS)
      throw new RangeError('the superblock of the btrfs is damaged');
  }
  return found;
}

function refusal(block: Buffer, checksum: (typeof CHECKSUMS)[number] | undefined): string | undefined {
  if (checksum?.of === undefined) return `its checksums are of the kind ${checksum?.name ?? block.readUInt16LE(196)}`;
  const devices = readWide(block, 136);
  if (devices !== 1) return `it lies on ${devices} devices`;
  if ((block.readUInt32LE(188) & LZO) !== 0) return 'files of it may be compressed with lzo';
  const [low, high] = [block.readUInt32LE(188) & ~KNOWN_FEATURES, block.readUInt32LE(192)];
  return low === 0 && high === 0 ? undefined : `it has features that are not known here (0x${(high * 2 ** 32 + (low >>> 0)).toString(16)})`;
}
