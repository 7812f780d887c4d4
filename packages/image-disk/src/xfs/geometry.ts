import type { BlockRange } from '../free-blocks.js';
import { BLOCK_BYTES, CHUNKS_AT, CHUNK_BLOCKS, FIRST_BLOCK, INODES_PER_BLOCK, INODES_PER_CHUNK } from './constants.js';
import { inodeTreeLevels } from './group-trees.js';

const MIB = 1024 * 1024;
/** What programs of xfsprogs ask for since 5.19: less has no room for a log that is worth it. */
export const XFS_MINIMUM_BYTES = 300 * MIB;
export const XFS_MAXIMUM_BYTES = 16 * MIB ** 2;
/**
 * A filesystem that grows gets more groups of the size that its first ones have. Small ones are made in two, so that those of a small image on a large disk
 * are not many; others in as many of this size as they have, up to the four that mkfs.xfs makes.
 */
const SMALL_GROUP_BLOCKS = (4096 * MIB) / BLOCK_BYTES;
const LEAST_GROUPS = 2;
const USUAL_GROUPS = 4;
/** A group has less than 1 TiB. */
const LARGEST_GROUP_BLOCKS = 2 ** 28 - 1;
const LEAST_LOG_BLOCKS = (64 * MIB) / BLOCK_BYTES;
const LARGEST_LOG_BLOCKS = (1024 * MIB) / BLOCK_BYTES;
const BLOCKS_PER_LOG_BLOCK = 2048;
/** What a chunk takes with its part of the tree of inodes, and more than a tree is larger by its being whole blocks. */
const BLOCKS_PER_CHUNK = CHUNK_BLOCKS + 0.01;
const ROUNDING_BLOCKS = 8;

/** A part of the filesystem that looks after its own blocks and inodes. */
export interface Group {
  readonly number: number;
  /** Its first block. */
  readonly start: number;
  readonly blocks: number;
  /** Number of the first of its chunks, which lie one behind the other. */
  readonly firstChunk: number;
  readonly chunks: number;
  /** Where blocks of the tree of inodes are, but for its root. */
  readonly treeAt: number;
}

/** Where an xfs has everything that is no file. Blocks are counted from its start, without gaps. */
export interface Geometry {
  readonly blocks: number;
  readonly groupBlocks: number;
  /** Bits that count the blocks of a group in numbers of blocks and inodes. */
  readonly groupBits: number;
  readonly groups: readonly Group[];
  readonly logAt: number;
  readonly logBlocks: number;
  /** What is left for directories and files, in order; nothing where there is no room for the inodes. */
  readonly free: readonly BlockRange[];
  /** How many blocks the inodes would need beyond those that are there. */
  readonly lackingBlocks: number;
}

/**
 * Lays out a filesystem for so many inodes: they begin in the first group, behind its trees, and the log is in the one in the middle.
 *
 * @throws RangeError for a size that no xfs has here.
 */
export function layOut(blocks: number, inodes: number): Geometry {
  if (blocks * BLOCK_BYTES < XFS_MINIMUM_BYTES || blocks * BLOCK_BYTES > XFS_MAXIMUM_BYTES)
    throw new RangeError(`an xfs cannot have ${blocks} blocks here`);
  const wanted = Math.floor(blocks / SMALL_GROUP_BLOCKS);
  const count = Math.max(LEAST_GROUPS, Math.min(wanted, USUAL_GROUPS), Math.ceil(blocks / LARGEST_GROUP_BLOCKS));
  const groupBlocks = Math.ceil(blocks / count);
  const logGroup = Math.floor(count / 2);
  const logBlocks = Math.min(Math.max(LEAST_LOG_BLOCKS, Math.floor(blocks / BLOCKS_PER_LOG_BLOCK)), LARGEST_LOG_BLOCKS);
  const groups: Group[] = [];
  const free: BlockRange[] = [];
  let logAt = 0;
  let left = Math.ceil(inodes / INODES_PER_CHUNK);
  let firstChunk = 0;
  for (let number = 0; number < count; number++) {
    const start = number * groupBlocks;
    const size = Math.min(groupBlocks, blocks - start);
    const log = number === logGroup ? logBlocks : 0;
    const chunks = Math.min(left, Math.floor((size - CHUNKS_AT - log - ROUNDING_BLOCKS) / BLOCKS_PER_CHUNK));
    const treeAt = start + (chunks === 0 ? FIRST_BLOCK : CHUNKS_AT + chunks * CHUNK_BLOCKS);
    const treeBlocks = inodeTreeLevels(chunks).reduce((sum, level) => sum + level, -1);
    if (log > 0) logAt = treeAt + treeBlocks;
    if (chunks > 0) free.push({ at: start + FIRST_BLOCK, count: CHUNKS_AT - FIRST_BLOCK });
    const rest = treeAt + treeBlocks + log;
    free.push({ at: rest, count: start + size - rest });
    groups.push({ number, start, blocks: size, firstChunk, chunks, treeAt });
    left -= chunks;
    firstChunk += chunks;
  }
  const groupBits = Math.ceil(Math.log2(groupBlocks));
  const lackingBlocks = Math.ceil(left * BLOCKS_PER_CHUNK);
  return { blocks, groupBlocks, groupBits, groups, logAt, logBlocks, free: left > 0 ? [] : free, lackingBlocks };
}

/** The number by which fields of 64 bits name a block. */
export function blockNumber({ groupBlocks, groupBits }: Geometry, at: number): number {
  return Math.floor(at / groupBlocks) * 2 ** groupBits + (at % groupBlocks);
}

/** The block in which the inode lies that is so many behind the first, and which of those there it is. */
export function inodePlace({ groups }: Geometry, index: number): { readonly at: number; readonly place: number } {
  const chunk = Math.floor(index / INODES_PER_CHUNK);
  const { start, firstChunk } = groups.find((group) => chunk < group.firstChunk + group.chunks) as Group;
  const within = index - firstChunk * INODES_PER_CHUNK;
  return { at: start + CHUNKS_AT + Math.floor(within / INODES_PER_BLOCK), place: within % INODES_PER_BLOCK };
}

/** The number of the inode that is so many behind the first. */
export function inodeNumber(geometry: Geometry, index: number): number {
  const { at, place } = inodePlace(geometry, index);
  return blockNumber(geometry, at) * INODES_PER_BLOCK + place;
}
