import {
  BTRFS_HEADER_BYTES,
  BTRFS_ITEM_BYTES,
  BTRFS_KEY_BYTES,
  BTRFS_POINTER_BYTES,
  btrfsChecksum,
  uuidBytes,
  writeBtrfsKey,
  writeU64,
  type Unsigned,
} from '@ict/image-parts';
import { GENERATION, NODE_BYTES } from './constants.js';
import type { Item } from './item.js';

const POINTERS = Math.floor((NODE_BYTES - BTRFS_HEADER_BYTES) / BTRFS_POINTER_BYTES);
/** Written, with references of the present kind. */
const FLAGS = 1n | (1n << 56n);

/** UUIDs that each block names. */
export interface BlockIdentity {
  readonly filesystem: string;
  readonly chunks: string;
}

/** Items of a tree, leaf by leaf, and how many blocks each level above has. */
export interface Shape {
  readonly leaves: readonly (readonly Item[])[];
  /** The leaves first, and one block last. */
  readonly levels: readonly number[];
  readonly blocks: number;
}

/** How a tree with these items is cut into blocks, which are as full as they can be. @param items in the order of their keys. */
export function shapeTree(items: readonly Item[]): Shape {
  const leaves: Item[][] = [];
  let room = 0;
  for (const item of items) {
    const size = BTRFS_ITEM_BYTES + item.data.length;
    if (leaves.length === 0 || size > room) {
      leaves.push([]);
      room = NODE_BYTES - BTRFS_HEADER_BYTES;
    }
    (leaves.at(-1) as Item[]).push(item);
    room -= size;
  }
  if (leaves.length === 0) leaves.push([]);
  const levels = [leaves.length];
  for (let count = leaves.length; count > 1; levels.push(count)) count = Math.ceil(count / POINTERS);
  return { leaves, levels, blocks: levels.reduce((sum, count) => sum + count, 0) };
}

/** A block of a tree, ready to be written. */
export interface TreeBlock {
  readonly at: number;
  readonly bytes: Buffer;
}

/** The blocks of a tree. @param places where each goes: leaves first, the root last. */
export function encodeTree(owner: Unsigned, { leaves, levels }: Shape, places: readonly number[], identity: BlockIdentity): TreeBlock[] {
  const blocks: TreeBlock[] = [];
  let below: { readonly item: Item | undefined; readonly at: number }[] = [];
  for (const items of leaves) {
    const at = places[blocks.length] as number;
    blocks.push({ at, bytes: encodeLeaf(owner, items, at, identity) });
    below.push({ item: items[0], at });
  }
  for (let level = 1; level < levels.length; level++) {
    const above: typeof below = [];
    for (let from = 0; from < below.length; from += POINTERS) {
      const children = below.slice(from, from + POINTERS);
      const at = places[blocks.length] as number;
      const bytes = startBlock(owner, level, children.length, at, identity);
      children.forEach((child, index) => {
        const start = BTRFS_HEADER_BYTES + index * BTRFS_POINTER_BYTES;
        writeBtrfsKey(bytes, child.item as Item, start);
        writeU64(bytes, child.at, start + BTRFS_KEY_BYTES);
        writeU64(bytes, GENERATION, start + BTRFS_KEY_BYTES + 8);
      });
      blocks.push({ at, bytes: seal(bytes) });
      above.push({ item: children[0]?.item, at });
    }
    below = above;
  }
  return blocks;
}

function encodeLeaf(owner: Unsigned, items: readonly Item[], at: number, identity: BlockIdentity): Buffer {
  const bytes = startBlock(owner, 0, items.length, at, identity);
  let end = NODE_BYTES;
  items.forEach((item, index) => {
    end -= item.data.length;
    const start = BTRFS_HEADER_BYTES + index * BTRFS_ITEM_BYTES;
    writeBtrfsKey(bytes, item, start);
    bytes.writeUInt32LE(end - BTRFS_HEADER_BYTES, start + BTRFS_KEY_BYTES);
    bytes.writeUInt32LE(item.data.length, start + BTRFS_KEY_BYTES + 4);
    item.data.copy(bytes, end);
  });
  return seal(bytes);
}

function startBlock(owner: Unsigned, level: number, items: number, at: number, { filesystem, chunks }: BlockIdentity): Buffer {
  const bytes = Buffer.alloc(NODE_BYTES);
  bytes.set(uuidBytes(filesystem), 32);
  writeU64(bytes, at, 48);
  writeU64(bytes, FLAGS, 56);
  bytes.set(uuidBytes(chunks), 64);
  writeU64(bytes, GENERATION, 80);
  writeU64(bytes, owner, 88);
  bytes.writeUInt32LE(items, 96);
  bytes.writeUInt8(level, 100);
  return bytes;
}

/** Writes the checksum of a block or superblock into it. */
export function seal(bytes: Buffer): Buffer {
  btrfsChecksum(bytes).copy(bytes);
  return bytes;
}
