import { XFS_SECTOR_BYTES, xfsChecksum, type XfsHeader } from '@ict/image-parts';
import { BLOCK_BYTES } from './constants.js';

export interface BlockIdentity {
  /** Block of the filesystem, counted without gaps. */
  readonly at: number;
  /** Inode or group. */
  readonly owner: number;
  readonly uuid: Uint8Array;
}

/**
 * Says in a block where it is, whose, and of which filesystem, and adds its checksum. The log's number stays 0 wherever one may be: nothing went
 * through it.
 */
export function describe(bytes: Buffer, form: XfsHeader, { at, owner, uuid }: BlockIdentity): Buffer {
  writeU64(bytes, at * (BLOCK_BYTES / XFS_SECTOR_BYTES), form.place);
  bytes.set(uuid, form.uuid);
  if (form.ownerBytes === 4) bytes.writeUInt32BE(owner, form.owner);
  else writeU64(bytes, owner, form.owner);
  return writeChecksum(bytes, form.checksum);
}

/** Writes the checksum of all bytes into them. */
export function writeChecksum(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt32LE(xfsChecksum(bytes, at), at);
  return bytes;
}

export function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}
