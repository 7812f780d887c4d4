import { XFS_HEADER, XFS_HEADER_BYTES } from '@ict/image-parts';
import { blocksOf, type BlockRange } from '../free-blocks.js';
import type { WrittenBlock } from '../image-file.js';
import { BLOCK_BYTES, CHUNKS_AT, CHUNK_BLOCKS, GROUP_BLOCK, INODES_PER_BLOCK, INODES_PER_CHUNK, NONE } from './constants.js';
import { evenParts, levelsOf } from './even-parts.js';
import type { Group } from './geometry.js';
import { describe, type BlockIdentity } from './self-description.js';

const ROOM = BLOCK_BYTES - XFS_HEADER_BYTES.groupTree;
const INODE_RECORD_BYTES = 16;
export const FREE_RECORD_BYTES = 8;
const CHUNKS_PER_LEAF = Math.floor(ROOM / INODE_RECORD_BYTES);
/** A key and a pointer for each block below. */
const POINTERS = Math.floor(ROOM / 8);
const MAGIC = { freeByPlace: 'AB3B', freeBySize: 'AB3C', inodes: 'IAB3', freeInodes: 'FIB3', references: 'R3FC' } as const;

/** What a group's trees tell, and what its headers tell of them. */
export interface GroupTrees {
  readonly blocks: readonly WrittenBlock[];
  readonly freeBlocks: number;
  readonly longest: number;
  readonly freeInodes: number;
  readonly inodeTreeLevels: number;
  readonly inodeTreeBlocks: number;
}

/** How many blocks each level of the tree of so many chunks has, the leaves first. */
export function inodeTreeLevels(chunks: number): number[] {
  return levelsOf(chunks, CHUNKS_PER_LEAF, POINTERS);
}

/**
 * The trees of a group: its free blocks by place and by size, its inodes, those of them that are free, and blocks with several owners, of which there are none.
 *
 * @param usedInodes how many of its inodes are taken, from the first on.
 * @param free what is free in it, in order.
 */
export function encodeGroupTrees(group: Group, usedInodes: number, free: readonly BlockRange[], uuid: Uint8Array): GroupTrees {
  const sorted = [...free].sort((a, b) => a.count - b.count || a.at - b.at);
  const chunks = Array.from({ length: group.chunks }, (_, chunk) => inodeRecord(chunk, usedInodes));
  const partial = chunks.filter((record) => record.readUInt8(7) > 0);
  const levels = inodeTreeLevels(group.chunks);
  const single = (kind: keyof typeof MAGIC, records: readonly Buffer[]): WrittenBlock => {
    const at = group.start + GROUP_BLOCK[kind];
    return {
      at,
      bytes: encodeNode(MAGIC[kind], 0, [NONE, NONE], records.length, Buffer.concat(records), { at, owner: group.number, uuid }),
    };
  };
  const freeRecords = (ranges: readonly BlockRange[]): Buffer[] => ranges.map((range) => freeRecord(range, group));
  return {
    blocks: [
      single('freeByPlace', freeRecords(free)),
      single('freeBySize', freeRecords(sorted)),
      single('freeInodes', partial),
      single('references', []),
      ...encodeInodeTree(chunks, levels, group, uuid),
    ],
    freeBlocks: blocksOf(free),
    longest: sorted.at(-1)?.count ?? 0,
    freeInodes: group.chunks * INODES_PER_CHUNK - usedInodes,
    inodeTreeLevels: levels.length,
    inodeTreeBlocks: levels.reduce((sum, level) => sum + level, 0),
  };
}

/** The tree of inodes: its root has its own place, and the others lie one behind the other, leaves first. */
function encodeInodeTree(chunks: readonly Buffer[], levels: readonly number[], group: Group, uuid: Uint8Array): WrittenBlock[] {
  const blocks: WrittenBlock[] = [];
  let next = group.treeAt;
  let below: readonly { readonly key: Buffer; readonly at: number }[] = [];
  levels.forEach((count, level) => {
    const isRoot = level === levels.length - 1;
    const first = isRoot ? group.start + GROUP_BLOCK.inodes : next;
    if (!isRoot) next += count;
    const neighbours = (index: number): [number, number] => [
      index === 0 ? NONE : first + index - 1 - group.start,
      index === count - 1 ? NONE : first + index + 1 - group.start,
    ];
    const parts =
      level === 0
        ? evenParts(chunks, CHUNKS_PER_LEAF).map((part) => ({
            key: part[0]?.subarray(0, 4),
            count: part.length,
            content: Buffer.concat(part),
          }))
        : evenParts(below, POINTERS).map((part) => ({ key: part[0]?.key, count: part.length, content: pointers(part, group) }));
    below = parts.map(({ key = Buffer.alloc(4), count: records, content }, index) => {
      const at = first + index;
      blocks.push({
        at,
        bytes: encodeNode(MAGIC.inodes, level, neighbours(index), records, content, { at, owner: group.number, uuid }),
      });
      return { key, at };
    });
  });
  return blocks;
}

/** Keys, then pointers, each from its own place on. */
function pointers(children: readonly { readonly key: Buffer; readonly at: number }[], { start }: Group): Buffer {
  const bytes = Buffer.alloc(ROOM);
  children.forEach(({ key, at }, index) => {
    key.copy(bytes, index * 4);
    bytes.writeUInt32BE(at - start, (POINTERS + index) * 4);
  });
  return bytes;
}

function encodeNode(
  magic: string,
  level: number,
  [left, right]: readonly [number, number],
  records: number,
  content: Buffer,
  identity: BlockIdentity,
): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt16BE(level, 4);
  bytes.writeUInt16BE(records, 6);
  bytes.writeUInt32BE(left, 8);
  bytes.writeUInt32BE(right, 12);
  content.copy(bytes, XFS_HEADER_BYTES.groupTree);
  return describe(bytes, XFS_HEADER.groupTree, identity);
}

function freeRecord({ at, count }: BlockRange, { start }: Group): Buffer {
  const bytes = Buffer.alloc(FREE_RECORD_BYTES);
  bytes.writeUInt32BE(at - start, 0);
  bytes.writeUInt32BE(count, 4);
  return bytes;
}

/** A chunk that is whole: none of its inodes is missing. */
function inodeRecord(chunk: number, usedInodes: number): Buffer {
  const bytes = Buffer.alloc(INODE_RECORD_BYTES);
  const used = Math.max(0, Math.min(INODES_PER_CHUNK, usedInodes - chunk * INODES_PER_CHUNK));
  bytes.writeUInt32BE((CHUNKS_AT + chunk * CHUNK_BLOCKS) * INODES_PER_BLOCK, 0);
  bytes.writeUInt8(INODES_PER_CHUNK, 6);
  bytes.writeUInt8(INODES_PER_CHUNK - used, 7);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, -1n << BigInt(used)), 8);
  return bytes;
}
