export const BLOCK_BYTES = 4096;
export const SECTOR_BYTES = 512;
export const INODE_BYTES = 512;
export const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES;
/** Inodes that are made, and told of in trees, together. */
export const INODES_PER_CHUNK = 64;
export const CHUNK_BLOCKS = INODES_PER_CHUNK / INODES_PER_BLOCK;
/** No block, or no inode, in a field of 32 bits. */
export const NONE = 0xffff_ffff;

/** Where the blocks of each group are that it always has, counted from its first. */
export const GROUP_BLOCK = { freeByPlace: 1, freeBySize: 2, inodes: 3, freeInodes: 4, references: 5, list: 6 } as const;
/** Blocks that the trees of free space may take at once. */
export const LIST_BLOCKS = 4;
/** The first block that a group may have for anything else. */
export const FIRST_BLOCK = GROUP_BLOCK.list + LIST_BLOCKS;
/** Where inodes begin: the first aligned place behind it, and where programs look for the root. */
export const CHUNKS_AT = 16;
