import { BTRFS_HEADER_BYTES, BTRFS_ITEM_BYTES, BTRFS_KEY_BYTES, BTRFS_POINTER_BYTES, writeBtrfsKey } from '@ict/image-parts';
import { readWide, type Bytes } from '../../bytes.js';
import { countLeading } from '../../count-leading.js';
import { remembering } from '../../remembering.js';
import type { ChunkMap } from './chunk-map.js';
import type { Superblock, TreeRoot } from './superblock.js';

const KEPT_BLOCKS = 64;
const LEAST_KEY: Buffer = Buffer.alloc(BTRFS_KEY_BYTES);
/** Behind all that there are. */
const END_OF_KEYS: Buffer = Buffer.alloc(BTRFS_KEY_BYTES, 0xff);

/** What a tree holds of an object. */
export interface Item {
  readonly kind: number;
  /** The last part of its key; not exact above 2^53. */
  readonly offset: number;
  readonly data: Buffer;
}

/** Reads the trees of a btrfs. Whatever is damaged is a RangeError. */
export class TreeReader {
  readonly #blockAt: (at: number) => Promise<Buffer>;

  constructor(bytes: Bytes, chunks: ChunkMap, { nodeBytes, isSound }: Pick<Superblock, 'nodeBytes' | 'isSound'>) {
    this.#blockAt = remembering(KEPT_BLOCKS, async (at) => {
      for (const place of chunks.placesOf(at, nodeBytes)) {
        const block = await bytes.read(place, nodeBytes);
        if (isSound(block) && readWide(block, 48) === at) return requireOrder(block, at);
      }
      throw damaged(at);
    });
  }

  /** The items of an object whose kinds are among these, in order. */
  async *items(root: TreeRoot, object: number, firstKind: number, lastKind = firstKind): AsyncGenerator<Item, void, undefined> {
    for await (const items of this.#below(root, keyOf(object, firstKind, 0), keyOf(object, lastKind, -1))) yield* items;
  }

  /** The data of an item. */
  async find(root: TreeRoot, object: number, kind: number, offset: number): Promise<Buffer | undefined> {
    const key = keyOf(object, kind, offset);
    for await (const [item] of this.#below(root, key, key)) if (item !== undefined) return item.data;
    return undefined;
  }

  /**
   * Goes through the leaves that can hold such keys. All that is below a pointer has keys from its own on and before the next one's, so that
   * no block is met twice.
   */
  async *#below(
    { at, level }: TreeRoot,
    first: Buffer,
    last: Buffer,
    from = LEAST_KEY,
    before = END_OF_KEYS,
  ): AsyncGenerator<readonly Item[], void, undefined> {
    const block = await this.#blockAt(at);
    const count = countOf(block);
    if (levelOf(block) !== level) throw damaged(at);
    if (count > 0 && (compareKeys(keyAt(block, 0), from) < 0 || compareKeys(keyAt(block, count - 1), before) >= 0)) throw damaged(at);
    const start = countBefore(block, first);
    if (level === 0) {
      const items: Item[] = [];
      for (let index = start; index < count && compareKeys(keyAt(block, index), last) <= 0; index++) items.push(itemAt(block, index, at));
      yield items;
      return;
    }
    // What is searched may be below the pointer before.
    for (let index = Math.max(start - 1, 0); index < count && compareKeys(keyAt(block, index), last) <= 0; index++) {
      const below = { at: readWide(block, BTRFS_HEADER_BYTES + index * BTRFS_POINTER_BYTES + BTRFS_KEY_BYTES), level: level - 1 };
      yield* this.#below(below, first, last, keyAt(block, index), index + 1 < count ? keyAt(block, index + 1) : before);
    }
  }
}

const countOf = (block: Buffer): number => block.readUInt32LE(96);
const levelOf = (block: Buffer): number => block.readUInt8(100);

function keyAt(block: Buffer, index: number): Buffer {
  const at = BTRFS_HEADER_BYTES + index * (levelOf(block) === 0 ? BTRFS_ITEM_BYTES : BTRFS_POINTER_BYTES);
  return block.subarray(at, at + BTRFS_KEY_BYTES);
}

function itemAt(block: Buffer, index: number, at: number): Item {
  const header = BTRFS_HEADER_BYTES + index * BTRFS_ITEM_BYTES;
  const start = BTRFS_HEADER_BYTES + block.readUInt32LE(header + BTRFS_KEY_BYTES);
  const end = start + block.readUInt32LE(header + BTRFS_KEY_BYTES + 4);
  if (end > block.length) throw damaged(at);
  const offset = block.readUInt32LE(header + 9) + block.readUInt32LE(header + 13) * 2 ** 32;
  return { kind: block.readUInt8(header + 8), offset, data: block.subarray(start, end) };
}

/** How many keys of a block are smaller. */
function countBefore(block: Buffer, key: Buffer): number {
  return countLeading(countOf(block), (index) => compareKeys(keyAt(block, index), key) < 0);
}

function requireOrder(block: Buffer, at: number): Buffer {
  const count = countOf(block);
  const each = levelOf(block) === 0 ? BTRFS_ITEM_BYTES : BTRFS_POINTER_BYTES;
  if (BTRFS_HEADER_BYTES + count * each > block.length) throw damaged(at);
  for (let index = 1; index < count; index++) if (compareKeys(keyAt(block, index - 1), keyAt(block, index)) >= 0) throw damaged(at);
  return block;
}

function keyOf(object: number, kind: number, offset: number): Buffer {
  const key = Buffer.alloc(BTRFS_KEY_BYTES);
  writeBtrfsKey(key, { object, kind, offset }, 0);
  return key;
}

/** By object, kind and offset, all of them unsigned. */
function compareKeys(a: Buffer, b: Buffer): number {
  return (
    a.readUInt32LE(4) - b.readUInt32LE(4) ||
    a.readUInt32LE(0) - b.readUInt32LE(0) ||
    a.readUInt8(8) - b.readUInt8(8) ||
    a.readUInt32LE(13) - b.readUInt32LE(13) ||
    a.readUInt32LE(9) - b.readUInt32LE(9)
  );
}

function damaged(at: number): RangeError {
  return new RangeError(`a tree of the btrfs is damaged: its block at ${at}`);
}
