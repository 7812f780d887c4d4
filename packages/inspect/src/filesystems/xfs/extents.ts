import { XFS_BLOCK, XFS_EXTENT_BYTES, XFS_FORMAT, XFS_HEADER, XFS_HEADER_BYTES, XFS_TREE_ROOT_BYTES } from '@ict/image-parts';
import { readWideBE, type Bytes } from '../../bytes.js';
import { inPieces, zeros } from '../pieces.js';
import type { Fork } from './inode.js';
import { placeOfBlocks, requireDescribed } from './places.js';
import type { Superblock } from './superblock.js';

/** More than the tree of any file has. */
const MOST_LEVELS = 16;

/** Blocks of a file that lie one behind the other. */
export interface Run {
  readonly logical: number;
  readonly blocks: number;
  /** Where the first begins, in bytes. */
  readonly at: number;
  /** False for what was reserved, and reads as zeros. */
  readonly isWritten: boolean;
}

/** How far a walk came. */
interface Met {
  /** Each extent leads further, so that no node is met twice. */
  blocks: number;
  /** How many the inode says that there are yet. */
  left: number;
}

/** Finds the blocks of files of an xfs. */
export class Extents {
  readonly #bytes: Bytes;
  readonly #superblock: Superblock;

  constructor(bytes: Bytes, superblock: Superblock) {
    this.#bytes = bytes;
    this.#superblock = superblock;
  }

  /** What a fork has, in its order; holes are left out. @param owner number of the inode. */
  async *of({ format, room, extents }: Fork, owner: number): AsyncGenerator<Run, void, undefined> {
    const met: Met = { blocks: 0, left: extents };
    if (format === XFS_FORMAT.extents) {
      if (extents > 0) yield* this.#records(room, extents, owner, met);
    } else if (format === XFS_FORMAT.tree) {
      const level = room.readUInt16BE(0);
      if (level > MOST_LEVELS) throw damaged(owner);
      yield* this.#below(room.subarray(XFS_TREE_ROOT_BYTES), room.readUInt16BE(2), level, owner, met);
    } else throw damaged(owner);
  }

  /** The content of a file: what is not there, or was never written, reads as zeros. */
  async *content(fork: Fork, owner: number, sizeBytes: number): AsyncGenerator<Buffer, void, undefined> {
    let at = 0;
    for await (const run of this.of(fork, owner)) {
      const start = run.logical * this.#superblock.blockBytes;
      if (start >= sizeBytes) break; // what is behind was reserved
      yield* zeros(start - at);
      at = Math.min(start + run.blocks * this.#superblock.blockBytes, sizeBytes);
      if (run.isWritten) yield* inPieces(this.#bytes, run.at, at - start);
      else yield* zeros(at - start);
    }
    yield* zeros(sizeBytes - at);
  }

  /** @param entries keys, then pointers, each from its own place on. */
  async *#below(entries: Buffer, count: number, level: number, owner: number, met: Met): AsyncGenerator<Run, void, undefined> {
    const room = requireCount(count, entries, owner);
    if (level === 0) throw damaged(owner);
    const { blockBytes } = this.#superblock;
    for (let index = 0; index < count; index++) {
      const at = placeOfBlocks(this.#superblock, readWideBE(entries, (room + index) * 8));
      const block = await this.#bytes.read(at, blockBytes);
      requireDescribed(block, XFS_HEADER.extents, at, owner);
      if (block.toString('latin1', 0, 4) !== XFS_BLOCK.extents || block.readUInt16BE(4) !== level - 1) throw damaged(owner);
      const below = block.subarray(XFS_HEADER_BYTES.extents);
      if (level === 1) yield* this.#records(below, block.readUInt16BE(6), owner, met);
      else yield* this.#below(below, block.readUInt16BE(6), level - 1, owner, met);
    }
  }

  /** 1 bit of state, 54 of place in the file, 52 of block, 21 of length. @see xfs_bmbt_disk_get_all in fs/xfs/libxfs/xfs_bmap_btree.c of the kernel */
  *#records(entries: Buffer, count: number, owner: number, met: Met): Generator<Run, void, undefined> {
    requireCount(count, entries, owner);
    for (let at = 0; at < count * XFS_EXTENT_BYTES; at += XFS_EXTENT_BYTES) {
      const [first, second, third, last] = [0, 4, 8, 12].map((word) => entries.readUInt32BE(at + word)) as [number, number, number, number];
      const logical = (first & 0x7fff_ffff) * 2 ** 23 + (second >>> 9);
      const blocks = last & 0x1f_ffff;
      if (blocks === 0 || logical < met.blocks || met.left-- === 0) throw damaged(owner);
      met.blocks = logical + blocks;
      const number = (second & 0x1ff) * 2 ** 43 + third * 2 ** 11 + (last >>> 21);
      yield { logical, blocks, at: placeOfBlocks(this.#superblock, number, blocks), isWritten: first < 2 ** 31 };
    }
  }
}

/** @returns how many there is room for. @throws RangeError for more, and for none: nothing would say that it was met. */
function requireCount(count: number, entries: Buffer, owner: number): number {
  const room = Math.floor(entries.length / XFS_EXTENT_BYTES);
  if (count === 0 || count > room) throw damaged(owner);
  return room;
}

function damaged(owner: number): RangeError {
  return new RangeError(`inode ${owner} of the xfs is damaged: its extents`);
}
