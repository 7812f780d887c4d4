import {
  FAT16_MAXIMUM_BYTES,
  FAT16_MINIMUM_BYTES,
  FAT32_MAXIMUM_BYTES,
  FAT32_MINIMUM_BYTES,
  FAT_LABEL_BYTES,
  volumeUuid,
  type FatWidth,
  type PartitionIdentity,
} from '@ict/image-parts';
import type { PartitionSpec } from '@ict/plugin-api';
import { extSizeProblem } from './ext4/geometry.js';
import { mebibytes } from './mebibytes.js';
import { BTRFS_LABEL_BYTES } from './btrfs/superblock.js';
import { EROFS_LABEL_BYTES } from './erofs-superblock.js';
import { XFS_MAXIMUM_BYTES, XFS_MINIMUM_BYTES } from './xfs/geometry.js';
import { XFS_LABEL_BYTES } from './xfs/superblock.js';
import { SWAP_LABEL_BYTES, SWAP_MAXIMUM_BYTES, SWAP_MINIMUM_BYTES } from './swap.js';

/** What a partition asks for, in the words of templates. */
export type FilesystemName = PartitionSpec['filesystem'];

export type ExtKind = 'ext2' | 'ext3' | 'ext4';

export type ReadOnlyKind = 'erofs' | 'squashfs';

/**
 * How a filesystem is written. Of `empty` nothing is.
 * Whoever branches on this has a branch for each, and the compiler names one that is forgotten.
 */
export type FilesystemWriting =
  | { readonly family: 'ext'; readonly kind: ExtKind }
  | { readonly family: 'btrfs' }
  | { readonly family: 'xfs' }
  | { readonly family: 'fat'; readonly width: (sizeBytes: number) => FatWidth }
  | { readonly family: 'read-only'; readonly kind: ReadOnlyKind }
  | { readonly family: 'swap' }
  | { readonly family: 'empty' };

/** All that is decided by the kind of a filesystem alone. Members without a value are written as `undefined`, so that none is forgotten. */
export interface Filesystem {
  readonly writing: FilesystemWriting;
  /** What of the root tree goes onto it: a tree with owners, modes and links, plain files and directories, or nothing. */
  readonly content: 'tree' | 'files' | 'nothing';
  /** Type for mount(8), and third field of fstab(5); undefined when nothing mounts it. */
  readonly mountType: string | undefined;
  /** Longest label, in bytes; undefined when it has none. */
  readonly labelBytes: number | undefined;
  /** What is wrong with a size; undefined for one that will do. */
  readonly sizeProblem: (sizeBytes: number) => SizeProblem | undefined;
  readonly holdsRoot: boolean;
  /** True when it is mounted read-only, whatever is asked for. */
  readonly readOnly: boolean;
  /** Whether fsck(8) checks it at the start of a system. Not what is never written, or what looks after itself, as a btrfs and an xfs do. */
  readonly checkedByFsck: boolean;
  /** Kernel module that mounts it, where initrds do not have it by themselves. */
  readonly initrdModule: string | undefined;
  readonly readByFirmware: boolean;
  /** Capability of the tools tree that has the program which writes it; undefined when ICT writes it without one. */
  readonly capability: string | undefined;
  /** GRUB's module for it, and the UUID that `search --fs-uuid` knows it by; undefined when GRUB does not read it. */
  readonly grub: { readonly module: string; readonly uuid: (identity: PartitionIdentity) => string } | undefined;
}

export interface SizeProblem {
  readonly problem: 'too small' | 'too large';
  readonly hint: string;
}

/** Longest ext label, in bytes. */
const EXT_LABEL_BYTES = 16;

/** @param capability of mke2fs, for what this package does not write itself. */
const ext = (kind: ExtKind, capability: string | undefined): Filesystem => ({
  writing: { family: 'ext', kind },
  content: 'tree',
  mountType: kind,
  labelBytes: EXT_LABEL_BYTES,
  sizeProblem: (sizeBytes) => {
    const problem = extSizeProblem(sizeBytes);
    return problem && { problem, hint: problem === 'too small' ? 'Make it larger.' : `An ${kind} takes less than 16 TiB.` };
  },
  holdsRoot: true,
  readOnly: false,
  checkedByFsck: true,
  initrdModule: undefined,
  readByFirmware: false,
  capability,
  grub: { module: 'ext2', uuid: ({ filesystemUuid }) => filesystemUuid },
});

/** What the kernel needs for a small one: it makes room for trees in large pieces. */
const BTRFS_MINIMUM_BYTES = 128 * 1024 * 1024;
const BTRFS_MAXIMUM_BYTES = 16 * 1024 ** 4;

const btrfs: Filesystem = {
  writing: { family: 'btrfs' },
  content: 'tree',
  mountType: 'btrfs',
  labelBytes: BTRFS_LABEL_BYTES,
  sizeProblem: (sizeBytes) => {
    if (sizeBytes < BTRFS_MINIMUM_BYTES) return { problem: 'too small', hint: `A btrfs needs at least ${mebibytes(BTRFS_MINIMUM_BYTES)}.` };
    if (sizeBytes > BTRFS_MAXIMUM_BYTES) return { problem: 'too large', hint: 'A btrfs takes at most 16 TiB here.' };
    return undefined;
  },
  holdsRoot: true,
  readOnly: false,
  checkedByFsck: false,
  initrdModule: 'btrfs',
  readByFirmware: false,
  capability: undefined,
  grub: { module: 'btrfs', uuid: ({ filesystemUuid }) => filesystemUuid },
};

const xfs: Filesystem = {
  writing: { family: 'xfs' },
  content: 'tree',
  mountType: 'xfs',
  labelBytes: XFS_LABEL_BYTES,
  sizeProblem: (sizeBytes) => {
    if (sizeBytes < XFS_MINIMUM_BYTES) return { problem: 'too small', hint: `An xfs needs at least ${mebibytes(XFS_MINIMUM_BYTES)}.` };
    if (sizeBytes > XFS_MAXIMUM_BYTES) return { problem: 'too large', hint: 'An xfs takes at most 16 TiB here.' };
    return undefined;
  },
  holdsRoot: true,
  readOnly: false,
  checkedByFsck: false,
  initrdModule: 'xfs',
  readByFirmware: false,
  capability: undefined,
  grub: { module: 'xfs', uuid: ({ filesystemUuid }) => filesystemUuid },
};

const fat = (width: (sizeBytes: number) => FatWidth): Filesystem => ({
  writing: { family: 'fat', width },
  content: 'files',
  mountType: 'vfat',
  labelBytes: FAT_LABEL_BYTES,
  sizeProblem: (sizeBytes) => (width(sizeBytes) === 32 ? fat32SizeProblem(sizeBytes) : fat16SizeProblem(sizeBytes)),
  holdsRoot: false,
  readOnly: false,
  checkedByFsck: true,
  initrdModule: undefined,
  readByFirmware: true,
  capability: undefined,
  grub: { module: 'fat', uuid: ({ volumeId }) => volumeUuid(volumeId) },
});

function fat32SizeProblem(sizeBytes: number): SizeProblem | undefined {
  if (sizeBytes < FAT32_MINIMUM_BYTES) return { problem: 'too small', hint: `FAT32 needs at least ${mebibytes(FAT32_MINIMUM_BYTES)}.` };
  if (sizeBytes > FAT32_MAXIMUM_BYTES) return { problem: 'too large', hint: 'FAT32 takes less than 2 TiB; use ext4.' };
  return undefined;
}

function fat16SizeProblem(sizeBytes: number): SizeProblem | undefined {
  if (sizeBytes < FAT16_MINIMUM_BYTES) return { problem: 'too small', hint: `FAT16 needs at least ${mebibytes(FAT16_MINIMUM_BYTES)}.` };
  if (sizeBytes > FAT16_MAXIMUM_BYTES)
    return { problem: 'too large', hint: `FAT16 takes at most ${mebibytes(FAT16_MAXIMUM_BYTES)}; use fat32.` };
  return undefined;
}

/** GRUB would have to find it by a UUID: a squashfs has none, and no GRUB of a distribution here reads an erofs. */
const readOnly = (kind: ReadOnlyKind, labelBytes: number | undefined): Filesystem => ({
  writing: { family: 'read-only', kind },
  content: 'tree',
  mountType: kind,
  labelBytes,
  // What is in it decides how large it must be.
  sizeProblem: () => undefined,
  holdsRoot: true,
  readOnly: true,
  checkedByFsck: false,
  initrdModule: kind,
  readByFirmware: false,
  capability: kind,
  grub: undefined,
});

const swap: Filesystem = {
  writing: { family: 'swap' },
  content: 'nothing',
  mountType: 'swap',
  labelBytes: SWAP_LABEL_BYTES,
  sizeProblem: (sizeBytes) => {
    if (sizeBytes < SWAP_MINIMUM_BYTES)
      return { problem: 'too small', hint: `A swap area needs at least ${SWAP_MINIMUM_BYTES / 1024} KiB.` };
    if (sizeBytes > SWAP_MAXIMUM_BYTES) return { problem: 'too large', hint: 'A swap area takes at most 16 TiB.' };
    return undefined;
  },
  holdsRoot: false,
  readOnly: false,
  checkedByFsck: false,
  initrdModule: undefined,
  readByFirmware: false,
  capability: undefined,
  grub: undefined,
};

const empty: Filesystem = {
  writing: { family: 'empty' },
  content: 'nothing',
  mountType: undefined,
  labelBytes: undefined,
  sizeProblem: () => undefined,
  holdsRoot: false,
  readOnly: false,
  checkedByFsck: false,
  initrdModule: undefined,
  readByFirmware: false,
  capability: undefined,
  grub: undefined,
};

/** Every filesystem that templates know. The order is that in which people are told of them. */
export const FILESYSTEMS: Readonly<Record<FilesystemName, Filesystem>> = {
  ext4: ext('ext4', undefined),
  ext3: ext('ext3', 'ext'),
  ext2: ext('ext2', 'ext'),
  btrfs,
  xfs,
  erofs: readOnly('erofs', EROFS_LABEL_BYTES),
  squashfs: readOnly('squashfs', undefined),
  fat32: fat(() => 32),
  fat16: fat(() => 16),
  // FAT32 where that is possible.
  vfat: fat((sizeBytes) => (sizeBytes >= FAT32_MINIMUM_BYTES ? 32 : 16)),
  'linux-swap': swap,
  none: empty,
};

/** The filesystem that the partition asks for. */
export function filesystemOf(spec: Pick<PartitionSpec, 'filesystem'>): Filesystem {
  return FILESYSTEMS[spec.filesystem];
}

/** True for a swap area, which has a line in fstab(5) but no mount point. */
export function isSwap(spec: PartitionSpec): boolean {
  return filesystemOf(spec).writing.family === 'swap';
}
