import { BTRFS_HEADER_BYTES, BTRFS_ITEM_BYTES } from '@ict/image-parts';

/** Unit of file contents and checksums. */
export const SECTOR_BYTES = 4096;
/** A block of a tree. */
export const NODE_BYTES = 16_384;
/** Largest data of an item, alone in its leaf. */
export const ITEM_DATA_BYTES = NODE_BYTES - BTRFS_HEADER_BYTES - BTRFS_ITEM_BYTES;
/** All was written in one transaction. */
export const GENERATION = 1;
export const STRIPE_BYTES = 65_536;
export const DEVICE_ID = 1;
