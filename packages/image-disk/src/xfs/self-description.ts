import { crc32c } from '@ict/image-parts';
import { BLOCK_BYTES, SECTOR_BYTES } from './constants.js';

/** Where a kind of block says what it is. */
export interface HeaderForm {
  readonly checksum: number;
  readonly place: number;
  readonly uuid: number;
  readonly owner: number;
  readonly ownerBytes: 4 | 8;
}

/** By what a block is for. The log's number is 0 wherever one may be: nothing went through it. @see "Self Describing Metadata" in Documentation/filesystems/xfs of the kernel */
export const HEADER = {
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
} as const satisfies Readonly<Record<string, HeaderForm>>;

export interface BlockIdentity {
  /** Block of the filesystem, counted without gaps. */
  readonly at: number;
  /** Inode or group. */
  readonly owner: number;
  readonly uuid: Uint8Array;
}

/** Says in a block where it is, whose, and of which filesystem, and adds its checksum. */
export function describe(bytes: Buffer, form: HeaderForm, { at, owner, uuid }: BlockIdentity): Buffer {
  writeU64(bytes, at * (BLOCK_BYTES / SECTOR_BYTES), form.place);
  bytes.set(uuid, form.uuid);
  if (form.ownerBytes === 4) bytes.writeUInt32BE(owner, form.owner);
  else writeU64(bytes, owner, form.owner);
  return writeChecksum(bytes, form.checksum);
}

/** Writes the checksum of all bytes into them, which are zeros where it goes. */
export function writeChecksum(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt32LE((crc32c(bytes) ^ 0xffff_ffff) >>> 0, at);
  return bytes;
}

export function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}
