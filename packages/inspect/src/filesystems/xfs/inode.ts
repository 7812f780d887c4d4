import { XFS_EARLIEST_SECONDS, XFS_INODE_FIELDS_BYTES, XFS_INODE_FLAG, xfsChecksum } from '@ict/image-parts';
import { readWideBE } from '../../bytes.js';

const VERSION = 3;
const CHECKSUM_AT = 100;
const NANOSECONDS = 1_000_000_000n;
const REALTIME = 0x1;

/** What an inode has of its content, or of its attributes. */
export interface Fork {
  /** One of `XFS_FORMAT`. */
  readonly format: number;
  /** What of the inode is for it. */
  readonly room: Buffer;
  readonly extents: number;
}

/** What an inode says. */
export interface Inode {
  readonly number: number;
  /** Type and permissions. */
  readonly bits: number;
  readonly owner: number;
  readonly group: number;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly content: Fork;
  /** Undefined when it has no room for them. */
  readonly attributes: Fork | undefined;
}

/** @throws RangeError for what is no inode, or another one. @see struct xfs_dinode in fs/xfs/libxfs/xfs_format.h of the kernel */
export function decodeInode(bytes: Buffer, number: number): Inode {
  const isSound =
    bytes.toString('latin1', 0, 2) === 'IN' &&
    bytes.readUInt8(4) === VERSION &&
    xfsChecksum(bytes, CHECKSUM_AT) === bytes.readUInt32LE(CHECKSUM_AT) &&
    readWideBE(bytes, 152) === number;
  const split = XFS_INODE_FIELDS_BYTES + bytes.readUInt8(82) * 8;
  if (!isSound || split >= bytes.length) throw new RangeError(`inode ${number} of the xfs is damaged`);
  if ((bytes.readUInt16BE(90) & REALTIME) !== 0)
    throw new RangeError(`inode ${number} of the xfs lies on a realtime device, of which there is none`);
  const hasAttributes = split > XFS_INODE_FIELDS_BYTES;
  const flags = bytes.readUInt32BE(124);
  const [extents, attributeExtents] =
    (flags & XFS_INODE_FLAG.wideCounters) === 0
      ? [bytes.readUInt32BE(76), bytes.readUInt16BE(80)]
      : [readWideBE(bytes, 24), bytes.readUInt32BE(76)];
  return {
    number,
    bits: bytes.readUInt16BE(2),
    owner: bytes.readUInt32BE(8),
    group: bytes.readUInt32BE(12),
    sizeBytes: readWideBE(bytes, 56),
    seconds:
      (flags & XFS_INODE_FLAG.longTimes) === 0
        ? bytes.readInt32BE(40)
        : Number(bytes.readBigUInt64BE(40) / NANOSECONDS) + XFS_EARLIEST_SECONDS,
    content: {
      format: bytes.readUInt8(5),
      room: bytes.subarray(XFS_INODE_FIELDS_BYTES, hasAttributes ? split : undefined),
      extents,
    },
    attributes: hasAttributes ? { format: bytes.readUInt8(83), room: bytes.subarray(split), extents: attributeExtents } : undefined,
  };
}
