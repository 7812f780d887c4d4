import { BTRFS_CHUNK, BTRFS_ITEM, BTRFS_OBJECT, BTRFS_SUPERBLOCK_AT, uuidBytes, writeU64 } from '@ict/image-parts';
import type { BlockRange } from '../free-blocks.js';
import { DEVICE_ID, NODE_BYTES, SECTOR_BYTES, STRIPE_BYTES } from './constants.js';
import type { Item } from './item.js';

const MIB = 1024 * 1024;
/** What is before belongs to boot loaders. */
const FIRST_CHUNK = MIB;
const SYSTEM_BYTES = 4 * MIB;
/** Largest extent that the kernel makes, in sectors. */
export const LARGEST_EXTENT = (128 * MIB) / SECTOR_BYTES;
const LARGEST_DATA_BYTES = 1024 * MIB;
/** So that a small filesystem, too, has room for a few files at once. */
const LEAST_DATA_BYTES = 8 * MIB;
/** Room for trees beyond those that are written. */
const SPARE_METADATA_BYTES = 16 * MIB;
/** Where contents may start: behind both copies of the first chunk. */
const DATA_AT = FIRST_CHUNK + 2 * SYSTEM_BYTES;
/** Places of superblocks, and what is kept free for each. */
export const SUPERBLOCKS = [BTRFS_SUPERBLOCK_AT, 64 * MIB, 256 * 1024 * MIB] as const;
const SUPERBLOCK_ROOM = STRIPE_BYTES;

export const { data: DATA, system: SYSTEM, metadata: METADATA } = BTRFS_CHUNK;

/** From here to there, without the end. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * A piece of the device: its addresses are those of its first copy. Trees have a second one right behind it, so that a damaged block
 * can be made up for.
 */
export interface Chunk extends Range {
  readonly kind: typeof DATA | typeof SYSTEM | typeof METADATA;
}

/** The places on the device of a chunk's copies. */
export function copiesOf({ kind, start, end }: Chunk): readonly number[] {
  return kind === DATA ? [start] : [start, end];
}

/** Where contents may go, in sectors. */
export function dataRanges(deviceBytes: number): BlockRange[] {
  const sectors = ({ start, end }: Range): BlockRange => ({
    at: start / SECTOR_BYTES,
    count: (end - start) / SECTOR_BYTES,
  });
  return without({ start: DATA_AT, end: Math.max(DATA_AT, deviceBytes) }, superblockRooms()).map(sectors);
}

function superblockRooms(): Range[] {
  return SUPERBLOCKS.map((start) => ({ start, end: start + SUPERBLOCK_ROOM }));
}

/** What is left of a range; the others are sorted. */
export function without(range: Range, others: readonly Range[]): Range[] {
  const left: Range[] = [];
  let { start } = range;
  for (const other of others) {
    if (other.end <= start || other.start >= range.end) continue;
    if (other.start > start) left.push({ start, end: other.start });
    start = other.end;
  }
  return start < range.end ? [...left, { start, end: range.end }] : left;
}

/** Sorted, and those that touch as one. */
export function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last?.end === range.start) joined[joined.length - 1] = { start: last.start, end: range.end };
    else joined.push(range);
  }
  return joined;
}

const wholeMebibytes = (bytes: number): number => Math.ceil(bytes / MIB) * MIB;

/** The chunks of contents that end at `dataEnd`, one behind the other. */
export function dataChunks(dataEnd: number): Chunk[] {
  const end = DATA_AT + wholeMebibytes(Math.max(dataEnd - DATA_AT, LEAST_DATA_BYTES));
  const chunks: Chunk[] = [];
  for (let start = DATA_AT; start < end; start += LARGEST_DATA_BYTES)
    chunks.push({ kind: DATA, start, end: Math.min(start + LARGEST_DATA_BYTES, end) });
  return chunks;
}

export type ChunkLayout =
  | { readonly kind: 'fits'; readonly system: Chunk; readonly metadata: Chunk; readonly chunks: readonly Chunk[] }
  | { readonly kind: 'full'; readonly neededBytes: number };

/** The chunks of a filesystem whose contents end at `dataEnd`, in the order of their addresses. */
export function layOutChunks(deviceBytes: number, dataEnd: number, metadataBytes: number): ChunkLayout {
  const data = dataChunks(dataEnd);
  const start = (data.at(-1) as Chunk).end;
  // Superblocks may lie in both copies.
  const least = wholeMebibytes(metadataBytes + 4 * SUPERBLOCK_ROOM);
  const wanted = wholeMebibytes(metadataBytes * 1.25) + SPARE_METADATA_BYTES;
  const most = Math.floor((deviceBytes - start) / 2 / MIB) * MIB;
  if (most < least) return { kind: 'full', neededBytes: start + 2 * least };
  const system: Chunk = { kind: SYSTEM, start: FIRST_CHUNK, end: FIRST_CHUNK + SYSTEM_BYTES };
  const metadata: Chunk = { kind: METADATA, start, end: start + Math.min(wanted, most) };
  return { kind: 'fits', system, metadata, chunks: [system, ...data, metadata] };
}

/** Places for so many blocks of trees, from the start of a chunk on. */
export function placeBlocks(chunk: Chunk, count: number): number[] {
  const taken = copiesOf(chunk).flatMap((copy) =>
    superblockRooms().map((room) => ({ start: room.start - copy + chunk.start, end: room.end - copy + chunk.start })),
  );
  taken.sort((a, b) => a.start - b.start);
  const places: number[] = [];
  for (const { start, end } of without(chunk, taken)) {
    for (let at = start; at + NODE_BYTES <= end && places.length < count; at += NODE_BYTES) places.push(at);
  }
  if (places.length < count) throw new RangeError(`a chunk of ${chunk.end - chunk.start} bytes has no room for ${count} blocks`);
  return places;
}

export interface DeviceIdentity {
  readonly device: string;
  readonly filesystem: string;
  readonly chunks: string;
}

/** @see btrfs_chunk in include/uapi/linux/btrfs_tree.h of the kernel */
export function chunkItem(chunk: Chunk, { device }: DeviceIdentity): Item {
  const copies = copiesOf(chunk);
  const data = Buffer.alloc(48 + 32 * copies.length);
  writeU64(data, chunk.end - chunk.start, 0);
  writeU64(data, BTRFS_OBJECT.extents, 8);
  writeU64(data, STRIPE_BYTES, 16);
  writeU64(data, flagsOf(chunk), 24);
  data.writeUInt32LE(STRIPE_BYTES, 32);
  data.writeUInt32LE(STRIPE_BYTES, 36);
  data.writeUInt32LE(SECTOR_BYTES, 40);
  data.writeUInt16LE(copies.length, 44);
  data.writeUInt16LE(1, 46);
  copies.forEach((copy, index) => {
    const at = 48 + 32 * index;
    writeU64(data, DEVICE_ID, at);
    writeU64(data, copy, at + 8);
    data.set(uuidBytes(device), at + 16);
  });
  return { object: BTRFS_OBJECT.firstChunk, kind: BTRFS_ITEM.chunk, offset: chunk.start, data };
}

export function flagsOf({ kind }: Chunk): number {
  return kind === DATA ? kind : kind | BTRFS_CHUNK.twice;
}

/** The items of the tree of devices. */
export function deviceExtents(chunks: readonly Chunk[], identity: DeviceIdentity): Item[] {
  return chunks.flatMap((chunk) =>
    copiesOf(chunk).map((copy) => {
      const data = Buffer.alloc(48);
      writeU64(data, BTRFS_OBJECT.chunks, 0);
      writeU64(data, BTRFS_OBJECT.firstChunk, 8);
      writeU64(data, chunk.start, 16);
      writeU64(data, chunk.end - chunk.start, 24);
      data.set(uuidBytes(identity.chunks), 32);
      return { object: DEVICE_ID, kind: BTRFS_ITEM.deviceExtent, offset: copy, data };
    }),
  );
}

/** What the device is, in the tree of chunks and in superblocks. */
export function encodeDevice(deviceBytes: number, chunks: readonly Chunk[], { device, filesystem }: DeviceIdentity): Buffer {
  const data = Buffer.alloc(98);
  writeU64(data, DEVICE_ID, 0);
  writeU64(data, deviceBytes, 8);
  writeU64(
    data,
    chunks.reduce((sum, chunk) => sum + (chunk.end - chunk.start) * copiesOf(chunk).length, 0),
    16,
  );
  for (const at of [24, 28, 32]) data.writeUInt32LE(SECTOR_BYTES, at);
  data.set(uuidBytes(device), 66);
  data.set(uuidBytes(filesystem), 82);
  return data;
}
