import type { BlockExtent } from '@ict/plugin-api';
import {
  chunkItem,
  deviceExtents,
  encodeDevice,
  flagsOf,
  joinRanges,
  layOutChunks,
  placeBlocks,
  without,
  type Chunk,
  type DeviceIdentity,
  type Range,
} from './chunks.js';
import { BTRFS_ITEM, BTRFS_OBJECT, writeU64, type Unsigned } from '@ict/image-parts';
import { DEVICE_ID, GENERATION, NODE_BYTES, SECTOR_BYTES } from './constants.js';
import type { Item } from './item.js';
import { rootItems } from './root-tree.js';
import { shapeTree, type Shape } from './tree-blocks.js';

const DATA_EXTENT = 1;
const TREE_BLOCK = 2;
/** More than enough: each time, few blocks are added. */
const ATTEMPTS = 50;

/** A tree, and where its blocks go. */
export interface PlacedTree {
  readonly owner: Unsigned;
  readonly shape: Shape;
  readonly places: readonly number[];
}

export interface TreesRequest {
  readonly identity: DeviceIdentity;
  readonly deviceBytes: number;
  readonly dataEnd: number;
  /** Contents of files, in sectors, none in two chunks. */
  readonly extents: readonly (BlockExtent & { readonly file: number })[];
  /** The same in bytes, sorted and joined. */
  readonly taken: readonly Range[];
  readonly files: Shape;
  readonly relocation: Shape;
  readonly checksums: Shape;
  readonly uuids: Shape;
}

export type TreeLayout =
  | { readonly kind: 'full'; readonly neededBytes: number }
  /** That of the roots comes last, and is yet to be filled. */
  | { readonly kind: 'fits'; readonly chunks: readonly Chunk[]; readonly trees: readonly PlacedTree[]; readonly usedBytes: number };

/**
 * Finds places for all trees. Those of extents and of free space tell of all blocks, and of their own, too: they are made anew until there
 * are as many as they tell of.
 */
export function layOutTrees(request: TreesRequest): TreeLayout {
  const { identity, deviceBytes, dataEnd, extents, taken } = request;
  const contents = extents.map(contentItem);
  let told = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const layout = layOutChunks(deviceBytes, dataEnd, told * NODE_BYTES);
    if (layout.kind === 'full') return layout;
    const { chunks, system, metadata } = layout;
    const device: Item = { object: 1, kind: BTRFS_ITEM.device, offset: DEVICE_ID, data: encodeDevice(deviceBytes, chunks, identity) };
    const chunkTree = shapeTree([device, ...chunks.map((chunk) => chunkItem(chunk, identity))]);
    const chunkPlaces = placeBlocks(system, chunkTree.blocks);
    const places = placeBlocks(metadata, told);
    const blocks = [...chunkPlaces, ...places].map((start) => ({ start, end: start + NODE_BYTES }));
    const used = usedOf(chunks, joinRanges([...taken, ...blocks]));
    const groups = [...used].map(([chunk, ranges]) => blockGroupItem(chunk, bytesOf(ranges)));
    const before: readonly Tree[] = [
      [BTRFS_OBJECT.devices, shapeTree(deviceExtents(chunks, identity))],
      [BTRFS_OBJECT.files, request.files],
      [BTRFS_OBJECT.relocation, request.relocation],
      [BTRFS_OBJECT.checksums, request.checksums],
      [BTRFS_OBJECT.uuids, request.uuids],
      [BTRFS_OBJECT.freeSpace, shapeTree([...used].flatMap(([chunk, ranges]) => freeSpaceItems(chunk, ranges)))],
    ];
    const roots = shapeTree(rootItems(new Map(), { subvolume: NO_UUID, epochSeconds: 0 }));
    const extentTree = (owners: readonly Tree[]): Shape =>
      shapeTree(
        [...contents, ...blockItems([[BTRFS_OBJECT.chunks, chunkTree]], chunkPlaces), ...blockItems(owners, places), ...groups].sort(
          byPlace,
        ),
      );
    // Whose a block is, and its level, has the same size whatever it is.
    const ofExtents = extentTree([[BTRFS_OBJECT.extents, { leaves: [], levels: [told], blocks: told }]]);
    const trees: readonly Tree[] = [...before, [BTRFS_OBJECT.extents, ofExtents], [BTRFS_OBJECT.root, roots]];
    const needed = trees.reduce((sum, [, shape]) => sum + shape.blocks, 0);
    if (needed === told) {
      const filled = trees.map(([owner, shape]): Tree => [owner, owner === BTRFS_OBJECT.extents ? extentTree(trees) : shape]);
      const usedBytes = [...used.values()].reduce((sum, ranges) => sum + bytesOf(ranges), 0);
      return {
        kind: 'fits',
        chunks,
        trees: [{ owner: BTRFS_OBJECT.chunks, shape: chunkTree, places: chunkPlaces }, ...placeTrees(filled, places)],
        usedBytes,
      };
    }
    told = needed;
  }
  throw new RangeError('the trees of a btrfs do not come to rest');
}

type Tree = readonly [Unsigned, Shape];

const NO_UUID = '00000000-0000-0000-0000-000000000000';

function placeTrees(trees: readonly Tree[], places: readonly number[]): PlacedTree[] {
  let next = 0;
  return trees.map(([owner, shape]) => ({ owner, shape, places: places.slice(next, (next += shape.blocks)) }));
}

/** What of each chunk is taken. */
function usedOf(chunks: readonly Chunk[], taken: readonly Range[]): ReadonlyMap<Chunk, readonly Range[]> {
  return new Map(
    chunks.map((chunk) => [
      chunk,
      taken
        .filter(({ start, end }) => start < chunk.end && end > chunk.start)
        .map(({ start, end }) => ({ start: Math.max(start, chunk.start), end: Math.min(end, chunk.end) })),
    ]),
  );
}

function bytesOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

function byPlace(a: Item, b: Item): number {
  return Number(a.object) - Number(b.object) || a.kind - b.kind;
}

function contentItem({ file, first, at, count }: TreesRequest['extents'][number]): Item {
  const data = Buffer.alloc(53);
  writeU64(data, 1, 0);
  writeU64(data, GENERATION, 8);
  writeU64(data, DATA_EXTENT, 16);
  data.writeUInt8(BTRFS_ITEM.fileReference, 24);
  writeU64(data, BTRFS_OBJECT.files, 25);
  writeU64(data, file, 33);
  writeU64(data, first * SECTOR_BYTES, 41);
  data.writeUInt32LE(1, 49);
  return { object: at * SECTOR_BYTES, kind: BTRFS_ITEM.extent, offset: count * SECTOR_BYTES, data };
}

/** Items of the blocks of trees, of each the leaves first. */
function blockItems(trees: readonly Tree[], places: readonly number[]): Item[] {
  const blocks = trees.flatMap(([owner, { levels }]) =>
    levels.flatMap((count, level) => Array.from({ length: count }, () => ({ owner, level }))),
  );
  return blocks.map(({ owner, level }, index) => {
    const data = Buffer.alloc(33);
    writeU64(data, 1, 0);
    writeU64(data, GENERATION, 8);
    writeU64(data, TREE_BLOCK, 16);
    data.writeUInt8(BTRFS_ITEM.treeReference, 24);
    writeU64(data, owner, 25);
    return { object: places[index] as number, kind: BTRFS_ITEM.metadata, offset: level, data };
  });
}

function blockGroupItem(chunk: Chunk, usedBytes: number): Item {
  const data = Buffer.alloc(24);
  writeU64(data, usedBytes, 0);
  writeU64(data, BTRFS_OBJECT.firstChunk, 8);
  writeU64(data, flagsOf(chunk), 16);
  return { object: chunk.start, kind: BTRFS_ITEM.blockGroup, offset: chunk.end - chunk.start, data };
}

function freeSpaceItems(chunk: Chunk, used: readonly Range[]): Item[] {
  const free = without(chunk, used);
  const data = Buffer.alloc(8);
  data.writeUInt32LE(free.length, 0);
  const info: Item = { object: chunk.start, kind: BTRFS_ITEM.freeSpaceInfo, offset: chunk.end - chunk.start, data };
  const ranges = free.map(({ start, end }) => ({ object: start, kind: BTRFS_ITEM.freeSpace, offset: end - start, data: Buffer.alloc(0) }));
  // The first may start where the chunk does: the key of what tells of it is the smaller one.
  return [info, ...ranges];
}
