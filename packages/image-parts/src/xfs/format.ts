/** What a superblock begins with. */
export const XFS_MAGIC = 'XFSB';
/** Places on the device are told in these, whatever its sectors are. */
export const XFS_SECTOR_BYTES = 512;

/**
 * Features that who reads an xfs has to know: kinds of files in directories, chunks of inodes that are not whole, a UUID that was changed, times beyond
 * 2038, a repair that is due, counters of extents of 64 bits, contents that were exchanged, names of parents, metadata in directories, zones.
 *
 * @see fs/xfs/libxfs/xfs_format.h of the kernel, also of what follows
 */
export const XFS_FEATURE = {
  kinds: 0x1,
  partialChunks: 0x2,
  changedUuid: 0x4,
  longTimes: 0x8,
  needsRepair: 0x10,
  wideCounters: 0x20,
  exchanges: 0x40,
  parents: 0x80,
  metadataDirectories: 0x100,
  zones: 0x200,
} as const;

/** Where a kind of block says what it is. */
export interface XfsHeader {
  readonly checksum: number;
  readonly place: number;
  readonly uuid: number;
  readonly owner: number;
  readonly ownerBytes: 4 | 8;
}

/** By what a block is for. @see "Self Describing Metadata" in Documentation/filesystems/xfs of the kernel */
export const XFS_HEADER = {
  /** Trees of groups; the owner is the group. */
  groupTree: { checksum: 52, place: 16, uuid: 32, owner: 48, ownerBytes: 4 },
  /** Trees of extents. */
  extents: { checksum: 64, place: 24, uuid: 40, owner: 56, ownerBytes: 8 },
  /** Names of directories, and what is free among them. */
  names: { checksum: 4, place: 8, uuid: 24, owner: 40, ownerBytes: 8 },
  /** What finds names and attributes by their hashes. */
  hashes: { checksum: 12, place: 16, uuid: 32, owner: 48, ownerBytes: 8 },
  /** Targets of links, and values of attributes. */
  bytes: { checksum: 12, place: 40, uuid: 16, owner: 32, ownerBytes: 8 },
} as const satisfies Readonly<Record<string, XfsHeader>>;

/** What is in front of the content of a block; of hashes that of attributes has more. */
export const XFS_HEADER_BYTES = { groupTree: 56, extents: 72, names: 64, hashes: 64, attributes: 80, bytes: 56 } as const;

/** What blocks begin with: of trees of extents, of names, of all names of a directory with their hashes, of targets, of values. */
export const XFS_BLOCK = { extents: 'BMA3', names: 'XDD3', allNames: 'XDB3', target: 'XSLM', value: 'XARM' } as const;
/** What blocks of hashes have behind their neighbours. */
export const XFS_HASHES = { singleLeaf: 0x3df1, leaf: 0x3dff, node: 0x3ebe, attributes: 0x3bee } as const;

/** Formats of what an inode has in it: a device's number, all content, extents, or the root of a tree of extents. */
export const XFS_FORMAT = { device: 0, local: 1, extents: 2, tree: 3 } as const;
/** Fields of an inode, which are followed by its content, or the way to it, and by attributes. */
export const XFS_INODE_FIELDS_BYTES = 176;
/** What its flags of 64 bits say of the form of its times, and of its counters of extents. */
export const XFS_INODE_FLAG = { longTimes: 0x8, wideCounters: 0x10 } as const;
/** Long times are counted in nanoseconds from here on. */
export const XFS_EARLIEST_SECONDS = -(2 ** 31);
/** A device's number is that of its kind, times this, and its own. */
export const XFS_MINORS = 2 ** 18;

/** A record of an extent; a pointer with its key takes as much. */
export const XFS_EXTENT_BYTES = 16;
/** Level and count, in front of the root of a tree of extents. */
export const XFS_TREE_ROOT_BYTES = 4;

/** Offsets in a directory are counted in these, and as long is a hash with the place of its name. */
export const XFS_NAME_UNIT_BYTES = 8;
/** Behind the hashes of a directory of one block: how many there are. */
export const XFS_NAMES_TAIL_BYTES = 8;
/** In place of the upper half of an inode's number: room without a name. */
export const XFS_NO_NAME = 0xffff;

/** An entry of a block of names: inode, length of the name, name, kind, and its own place. */
export function xfsNameBytes(nameBytes: number): number {
  return Math.ceil((12 + nameBytes) / XFS_NAME_UNIT_BYTES) * XFS_NAME_UNIT_BYTES;
}

/** What a record of the log begins with, and that one is about an unmounting. @see fs/xfs/libxfs/xfs_log_format.h of the kernel */
export const XFS_LOG = { magic: 0xfeed_babe, unmounting: 0x20 } as const;

/** Flags of an attribute: its value is beside its name, what it begins with, that it names a parent, or that it was not written to its end. */
export const XFS_ATTRIBUTE = { local: 0x1, trusted: 0x2, security: 0x4, parent: 0x8, incomplete: 0x80 } as const;
/** Beginnings of names of attributes, which are stored as a flag. */
export const XFS_NAMESPACES = [
  ['user.', 0],
  ['trusted.', XFS_ATTRIBUTE.trusted],
  ['security.', XFS_ATTRIBUTE.security],
] as const;
/** What an ACL is called, among what is trusted. */
export const XFS_ACLS: Readonly<Record<string, string>> = {
  'system.posix_acl_access': 'SGI_ACL_FILE',
  'system.posix_acl_default': 'SGI_ACL_DEFAULT',
};
/** How many entries an ACL has, and one of them. */
export const XFS_ACL_BYTES = { count: 4, entry: 12 } as const;
/** In front of attributes in an inode: their size and how many there are. */
export const XFS_SHORT_ATTRIBUTES_BYTES = 4;
/** By its hash, where an attribute is in its block. */
export const XFS_ATTRIBUTE_ENTRY_BYTES = 8;
/** In front of the name of an attribute whose value is beside it, and of one whose value has blocks of its own. */
export const XFS_ATTRIBUTE_HEAD_BYTES = { local: 3, distant: 9 } as const;
