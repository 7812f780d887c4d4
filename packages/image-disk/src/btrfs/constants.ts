/** Unit of file contents and checksums. */
export const SECTOR_BYTES = 4096;
/** A block of a tree. */
export const NODE_BYTES = 16_384;
export const HEADER_BYTES = 101;
/** What a leaf has beside an item's data: key, offset, size. */
export const ITEM_BYTES = 25;
/** A key, the block's place and its generation. */
export const POINTER_BYTES = 33;
/** Largest data of an item, alone in its leaf. */
export const ITEM_DATA_BYTES = NODE_BYTES - HEADER_BYTES - ITEM_BYTES;
/** All was written in one transaction. */
export const GENERATION = 1;
export const STRIPE_BYTES = 65_536;
export const DEVICE_ID = 1;

/** Owners of trees, and objects without a tree. */
export const OBJECT = {
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
export const ITEM = {
  inode: 1,
  inodeReference: 12,
  attribute: 24,
  directoryName: 84,
  directoryIndex: 96,
  fileExtent: 108,
  checksums: 128,
  root: 132,
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
