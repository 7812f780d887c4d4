import type { FileHandle } from 'node:fs/promises';
import { crc32c } from '@ict/image-parts';
import { diskError } from './errors.js';

const SUPERBLOCK_OFFSET = 1024;
const MAGIC = 0xef53;
const INCOMPAT_META_BG = 0x10;
const INCOMPAT_64BIT = 0x80;
const INCOMPAT_CSUM_SEED = 0x2000;
const RO_COMPAT_METADATA_CSUM = 0x400;

/** Where an ext filesystem keeps its inodes, and what its checksums start from. */
export interface ExtSuperblock {
  readonly blockBytes: number;
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly inodes: number;
  readonly freeInodes: number;
  readonly inodeBytes: number;
  readonly inodesPerGroup: number;
  readonly blocksPerGroup: number;
  /** Number of the block that group 0 starts with. */
  readonly firstDataBlock: number;
  readonly groups: number;
  readonly descriptorBytes: number;
  /** Offset of the group descriptors from the start of the filesystem, in bytes. */
  readonly descriptorsOffset: number;
  /** Start value of metadata checksums; undefined when the filesystem has none. */
  readonly checksumSeed: number | undefined;
}

/**
 * Reads the superblock of an ext2, ext3 or ext4 filesystem that starts `offset` bytes into a file.
 *
 * @throws `ICT_DISK_FILESYSTEM` when there is none, one that is larger than the file, or one of a layout that
 *   {@link ExtSuperblock} cannot describe.
 * @see Documentation/filesystems/ext4/super.rst of the kernel
 */
export async function readExtSuperblock(file: FileHandle, offset: number): Promise<ExtSuperblock> {
  const bytes = Buffer.alloc(1024);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset + SUPERBLOCK_OFFSET);
  if (bytesRead < bytes.length || bytes.readUInt16LE(0x38) !== MAGIC) throw unreadable('it has no superblock');
  const incompat = bytes.readUInt32LE(0x60);
  if ((incompat & INCOMPAT_META_BG) !== 0) throw unreadable('its group descriptors are spread over the filesystem (meta_bg)');
  const wide = (incompat & INCOMPAT_64BIT) !== 0;
  const high = (at: number): number => (wide ? bytes.readUInt32LE(at) * 2 ** 32 : 0);
  const blockBytes = 1024 << bytes.readUInt32LE(0x18);
  const firstDataBlock = bytes.readUInt32LE(0x14);
  const blocks = bytes.readUInt32LE(0x4) + high(0x150);
  const blocksPerGroup = bytes.readUInt32LE(0x20);
  const inodesPerGroup = bytes.readUInt32LE(0x28);
  const inodeBytes = bytes.readUInt16LE(0x58);
  const { size } = await file.stat();
  const sane =
    bytes.readUInt32LE(0x18) <= 6 &&
    offset + blocks * blockBytes <= size &&
    firstDataBlock <= 1 && // 1 only where blocks have 1 KiB
    firstDataBlock < blocks &&
    blocksPerGroup > 0 &&
    inodesPerGroup > 0 &&
    inodesPerGroup <= blockBytes * 8 &&
    inodeBytes >= 128 &&
    inodeBytes <= blockBytes;
  if (!sane) throw unreadable('its superblock is damaged');
  const checked = (bytes.readUInt32LE(0x64) & RO_COMPAT_METADATA_CSUM) !== 0;
  const storedSeed = (incompat & INCOMPAT_CSUM_SEED) !== 0;
  return {
    blockBytes,
    blocks,
    freeBlocks: bytes.readUInt32LE(0xc) + high(0x158),
    inodes: bytes.readUInt32LE(0),
    freeInodes: bytes.readUInt32LE(0x10),
    inodeBytes,
    inodesPerGroup,
    blocksPerGroup,
    firstDataBlock,
    groups: Math.ceil((blocks - firstDataBlock) / blocksPerGroup),
    descriptorBytes: wide ? Math.max(32, bytes.readUInt16LE(0xfe)) : 32,
    descriptorsOffset: (firstDataBlock + 1) * blockBytes,
    checksumSeed: checked ? (storedSeed ? bytes.readUInt32LE(0x270) : crc32c(bytes.subarray(0x68, 0x78))) : undefined,
  };
}

/** The error for a filesystem that is not what mke2fs should have written. */
export function unreadable(reason: string, cause?: unknown): Error {
  return diskError('ICT_DISK_FILESYSTEM', {
    message: `the filesystem that mke2fs wrote cannot be used: ${reason}`,
    hint: 'This is a fault of the tools tree or of ICT: please report it with the versions that the lock names.',
    facts: { reason },
    cause,
  });
}
