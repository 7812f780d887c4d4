import { uuidText, XFS_FEATURE, XFS_MAGIC, xfsChecksum } from '@ict/image-parts';
import { fieldText, readWideBE, type Bytes } from '../../bytes.js';
import type { FilesystemSummary } from '../filesystem.js';

const LEAST_BYTES = 512;
const CHECKSUM_AT = 224;
const VERSION = 5;
const VERSION_BITS = 0xf;
/** Least and most bytes of sectors, blocks and inodes of version 5. */
const SIZES = { sector: [512, 32_768], block: [1024, 65_536], inode: [512, 2048], directory: [1024, 65_536] } as const;

/** What the superblock may say that is not read here. */
const REFUSED: readonly { readonly bits: number; readonly reason: string }[] = [
  { bits: XFS_FEATURE.needsRepair, reason: 'it has to be repaired first (needsrepair)' },
  { bits: XFS_FEATURE.metadataDirectories, reason: 'its metadata lies in directories (metadir)' },
  { bits: XFS_FEATURE.zones, reason: 'its files lie in zones (zoned)' },
];
const { kinds, partialChunks, changedUuid, longTimes, wideCounters, exchanges, parents } = XFS_FEATURE;
const KNOWN_FEATURES = kinds | partialChunks | changedUuid | longTimes | wideCounters | exchanges | parents;

/** What an xfs says of itself. */
export interface Superblock {
  readonly blockBytes: number;
  readonly inodeBytes: number;
  /** Of a block of names: one or more blocks. */
  readonly directoryBytes: number;
  readonly blocks: number;
  /** Of each group but the last, which may be smaller, and the bits that count them in numbers of blocks. */
  readonly groupBlocks: number;
  readonly groupBits: number;
  /** Number of the inode of the root. */
  readonly root: number;
  /** Number of its first block, 0 where it lies on another device, and how many there are. */
  readonly log: { readonly start: number; readonly blocks: number };
}

/**
 * Reads the first superblock of an xfs.
 *
 * @returns undefined when there is none; the reason in its place where its files are not read.
 * @throws RangeError where it is damaged.
 * @see struct xfs_dsb in fs/xfs/libxfs/xfs_format.h of the kernel
 */
export async function readSuperblock(
  bytes: Bytes,
): Promise<{ readonly summary: FilesystemSummary; readonly superblock: Superblock | string } | undefined> {
  if (bytes.sizeBytes < LEAST_BYTES) return undefined;
  const head = await bytes.read(0, LEAST_BYTES);
  if (head.toString('latin1', 0, XFS_MAGIC.length) !== XFS_MAGIC) return undefined;
  const version = head.readUInt16BE(100) & VERSION_BITS;
  if (version === VERSION) await requireChecksum(bytes, head.readUInt16BE(102));
  const blockBytes = head.readUInt32BE(4);
  const blocks = readWideBE(head, 8);
  const label = fieldText(head, 108, 120);
  const summary = {
    type: 'xfs',
    ...(label === '' ? {} : { label }),
    id: uuidText(head.subarray(32, 48)),
    sizeBytes: blocks * blockBytes,
    freeBytes: Math.min(readWideBE(head, 144), blocks) * blockBytes,
  };
  return { summary, superblock: refusal(head, version) ?? decode(head) };
}

async function requireChecksum(bytes: Bytes, sectorBytes: number): Promise<void> {
  if (!isSize(sectorBytes, SIZES.sector)) throw new RangeError(`the superblock of the xfs is damaged: sectors of ${sectorBytes} bytes`);
  const sector = await bytes.read(0, sectorBytes);
  if (xfsChecksum(sector, CHECKSUM_AT) !== sector.readUInt32LE(CHECKSUM_AT))
    throw new RangeError('the superblock of the xfs is damaged: its checksum is wrong');
}

function refusal(head: Buffer, version: number): string | undefined {
  if (version !== VERSION) return `it is of version ${version}`;
  const features = head.readUInt32BE(216);
  const refused = REFUSED.find(({ bits }) => (features & bits) !== 0);
  if (refused !== undefined) return refused.reason;
  const unknown = (features & ~KNOWN_FEATURES) >>> 0;
  if (unknown !== 0) return `it has features that are not known here (0x${unknown.toString(16)})`;
  if ((features & kinds) === 0) return 'its directories do not say what their names are (no ftype)';
  return readWideBE(head, 16) === 0 ? undefined : 'files of it may lie on a realtime device';
}

function decode(head: Buffer): Superblock {
  const blockBytes = head.readUInt32BE(4);
  const superblock = {
    blockBytes,
    inodeBytes: head.readUInt16BE(104),
    directoryBytes: blockBytes * 2 ** head.readUInt8(192),
    blocks: readWideBE(head, 8),
    groupBlocks: head.readUInt32BE(84),
    groupBits: head.readUInt8(124),
    root: readWideBE(head, 56),
    log: { start: readWideBE(head, 48), blocks: head.readUInt32BE(96) },
  };
  const { inodeBytes, directoryBytes, blocks, groupBlocks, groupBits, log } = superblock;
  const groups = head.readUInt32BE(88);
  const isSound =
    isSize(blockBytes, SIZES.block) &&
    isSize(inodeBytes, SIZES.inode) &&
    inodeBytes <= blockBytes &&
    isSize(directoryBytes, SIZES.directory) &&
    (log.start === 0 || log.blocks > 0) &&
    groupBits <= 31 &&
    groupBlocks <= 2 ** groupBits &&
    blocks > (groups - 1) * groupBlocks &&
    blocks <= groups * groupBlocks;
  if (!isSound) throw new RangeError('the superblock of the xfs is damaged: it has sizes that no xfs has');
  return superblock;
}

function isSize(count: number, [least, most]: readonly [number, number]): boolean {
  return count >= least && count <= most && (count & (count - 1)) === 0;
}
