import { XFS_BLOCK, XFS_HEADER, XFS_HEADER_BYTES } from '@ict/image-parts';
import { BLOCK_BYTES } from './constants.js';
import { describe, type BlockIdentity } from './self-description.js';

const HEADER_BYTES = XFS_HEADER_BYTES.bytes;
/** The log's number ends the header. A value never goes through the log, and has one of ones. */
const LOG_NUMBER_AT = 48;
const ROOM = BLOCK_BYTES - HEADER_BYTES;

/** How many blocks the target of a link, or the value of an attribute, takes. */
export function byteBlockCount(content: Buffer): number {
  return Math.ceil(content.length / ROOM);
}

/** @param kind what the bytes are. @param places of its blocks. */
export function encodeByteBlocks(
  content: Buffer,
  kind: 'target' | 'value',
  places: readonly number[],
  identity: Omit<BlockIdentity, 'at'>,
): Buffer[] {
  return places.map((at, index) => {
    const part = content.subarray(index * ROOM, (index + 1) * ROOM);
    const bytes = Buffer.alloc(BLOCK_BYTES);
    bytes.write(XFS_BLOCK[kind], 0, 'latin1');
    bytes.writeUInt32BE(index * ROOM, 4);
    bytes.writeUInt32BE(part.length, 8);
    if (kind === 'value') bytes.fill(0xff, LOG_NUMBER_AT, HEADER_BYTES);
    part.copy(bytes, HEADER_BYTES);
    return describe(bytes, XFS_HEADER.bytes, { ...identity, at });
  });
}
