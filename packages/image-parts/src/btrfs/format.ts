/** Where the first superblock is, how long it is, and what tells it, at its byte 64. */
export const BTRFS_SUPERBLOCK_AT = 65_536;
export const BTRFS_SUPERBLOCK_BYTES = 4096;
export const BTRFS_MAGIC = '_BHRfS_M';

/** What a block of a tree begins with. */
export const BTRFS_HEADER_BYTES = 101;
/** What a leaf has beside an item's data: key, offset, size. */
export const BTRFS_ITEM_BYTES = 25;
/** A key, the block's place and its generation. */
export const BTRFS_POINTER_BYTES = 33;

/** Owners of trees, and objects without a tree. @see include/uapi/linux/btrfs_tree.h of the kernel, also of what follows */
export const BTRFS_OBJECT = {
  root: 1,
  extents: 2,
  chunks: 3,
  devices: 4,
  files: 5,
  rootDirectory: 6,
  checksums: 7,
  uuids: 9,
  freeSpace: 10,
  firstFile: 256,
  firstChunk: 256,
  relocation: -9n,
  checksum: -10n,
} as const;

/** Kinds of items, the middle of a key. */
export const BTRFS_ITEM = {
  inode: 1,
  inodeReference: 12,
  attribute: 24,
  directoryName: 84,
  directoryIndex: 96,
  fileExtent: 108,
  checksums: 128,
  root: 132,
  rootReference: 156,
  extent: 168,
  metadata: 169,
  treeReference: 176,
  fileReference: 178,
  blockGroup: 192,
  freeSpaceInfo: 198,
  freeSpace: 199,
  deviceExtent: 204,
  device: 216,
  chunk: 228,
  subvolumeUuid: 251,
} as const;

/** Bits of a chunk: what it holds, and that it is there twice. */
export const BTRFS_CHUNK = { data: 1, system: 2, metadata: 4, twice: 0x20 } as const;

/** Forms of a part of a file: in its item, on the device, or there and never written. */
export const BTRFS_EXTENT = { inline: 0, regular: 1, unwritten: 2 } as const;
