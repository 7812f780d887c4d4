import { XFS_BLOCK, XFS_EXTENT_BYTES, XFS_FORMAT, XFS_HEADER, XFS_HEADER_BYTES, XFS_TREE_ROOT_BYTES } from '@ict/image-parts';
import type { BlockExtent } from '@ict/plugin-api';
import { cutExtents } from '../cut-extents.js';
import type { FreeBlocks } from '../free-blocks.js';
import type { WrittenBlock } from '../image-file.js';
import { BLOCK_BYTES } from './constants.js';
import { evenParts } from './even-parts.js';
import { blockNumber, type Geometry } from './geometry.js';
import type { Fork } from './inode.js';
import { describe, writeU64 } from './self-description.js';

/** Largest that a record can tell. */
const LARGEST_EXTENT = 2 ** 21 - 1;
/** Records of a leaf, and pointers with their keys, have the same size. */
const ENTRIES_PER_BLOCK = Math.floor((BLOCK_BYTES - XFS_HEADER_BYTES.extents) / XFS_EXTENT_BYTES);

interface Pointer {
  readonly first: number;
  readonly at: number;
}

/**
 * How a file finds its blocks: by records in the inode, or by a tree of them.
 *
 * @param roomBytes what the inode has for it.
 * @param owner its number.
 * @returns undefined when there is no room for the tree, which `free` tells.
 */
export function mapExtents(
  extents: readonly BlockExtent[],
  roomBytes: number,
  owner: number,
  { geometry, free, uuid }: { readonly geometry: Geometry; readonly free: FreeBlocks; readonly uuid: Uint8Array },
): Fork | undefined {
  const records = cutExtents(extents, LARGEST_EXTENT);
  const encoded = records.map((extent) => encodeRecord(extent, geometry));
  if (records.length * XFS_EXTENT_BYTES <= roomBytes)
    return { format: XFS_FORMAT.extents, content: Buffer.concat(encoded), extents: records.length, blocks: [] };
  const blocks: WrittenBlock[] = [];
  const rootHolds = Math.floor((roomBytes - XFS_TREE_ROOT_BYTES) / XFS_EXTENT_BYTES);
  /** Writes a level, and tells where its blocks are. */
  const write = <T>(
    parts: readonly (readonly T[])[],
    level: number,
    first: (part: T) => number,
    content: (part: readonly T[]) => Buffer,
  ) => {
    const places = parts.map(() => free.take(1)[0]?.at);
    return parts.map((part, index): Pointer => {
      const at = places[index] ?? 0;
      const bytes = Buffer.alloc(BLOCK_BYTES);
      bytes.write(XFS_BLOCK.extents, 0, 'latin1');
      bytes.writeUInt16BE(level, 4);
      bytes.writeUInt16BE(part.length, 6);
      bytes.fill(0xff, 8, 24);
      const left = places[index - 1];
      const right = places[index + 1];
      if (left !== undefined) writeU64(bytes, blockNumber(geometry, left), 8);
      if (right !== undefined) writeU64(bytes, blockNumber(geometry, right), 16);
      content(part).copy(bytes, XFS_HEADER_BYTES.extents);
      blocks.push({ at, bytes: describe(bytes, XFS_HEADER.extents, { at, owner, uuid }) });
      return { first: first(part[0] as T), at };
    });
  };
  const leaves = evenParts(
    records.map(({ first }, index) => ({ first, bytes: encoded[index] as Buffer })),
    ENTRIES_PER_BLOCK,
  );
  let pointers = write(
    leaves,
    0,
    ({ first }) => first,
    (part) => Buffer.concat(part.map(({ bytes }) => bytes)),
  );
  let level = 1;
  for (; pointers.length > rootHolds; level++) {
    pointers = write(
      evenParts(pointers, ENTRIES_PER_BLOCK),
      level,
      ({ first }) => first,
      (part) => encodePointers(part, ENTRIES_PER_BLOCK, geometry),
    );
  }
  if (free.full) return undefined;
  const header = Buffer.alloc(XFS_TREE_ROOT_BYTES);
  header.writeUInt16BE(level, 0);
  header.writeUInt16BE(pointers.length, 2);
  const content = Buffer.concat([header, encodePointers(pointers, rootHolds, geometry)]);
  return { format: XFS_FORMAT.tree, content, extents: records.length, blocks };
}

/** Keys, then pointers, each from its own place on. */
function encodePointers(pointers: readonly Pointer[], room: number, geometry: Geometry): Buffer {
  const bytes = Buffer.alloc(room * XFS_EXTENT_BYTES);
  pointers.forEach(({ first, at }, index) => {
    writeU64(bytes, first, index * 8);
    writeU64(bytes, blockNumber(geometry, at), (room + index) * 8);
  });
  return bytes;
}

/** 1 bit of state, 54 of place in the file, 52 of block, 21 of length. */
function encodeRecord({ first, at, count }: BlockExtent, geometry: Geometry): Buffer {
  const bytes = Buffer.alloc(XFS_EXTENT_BYTES);
  const block = blockNumber(geometry, at);
  writeU64(bytes, first * 2 ** 9 + Math.floor(block / 2 ** 43), 0);
  bytes.writeUInt32BE(Math.floor(block / 2 ** 11) % 2 ** 32, 8);
  bytes.writeUInt32BE((block % 2 ** 11) * 2 ** 21 + count, 12);
  return bytes;
}
