import {
  XFS_BLOCK,
  XFS_HASHES,
  XFS_HEADER,
  XFS_HEADER_BYTES,
  XFS_NAME_UNIT_BYTES,
  XFS_NAMES_TAIL_BYTES,
  XFS_NO_NAME,
  xfsNameBytes,
  type XfsHeader,
} from '@ict/image-parts';
import { ENTRY_KINDS } from '../entry-kinds.js';
import { BLOCK_BYTES } from './constants.js';
import { encodeHashTree, hashBlockCount, hashHeader, writeHashes, type HashEntry } from './hash-blocks.js';
import { nameHash } from './name-hash.js';
import { writeU64 } from './self-description.js';

const NAMES_ROOM = BLOCK_BYTES - XFS_HEADER_BYTES.names;
/** Behind those of a single block of hashes: how many blocks of names there are. */
const LEAF_TAIL_BYTES = 4;
/** Where hashes begin, and where what is free of each block of names is told: after 32 and 64 GiB of names. */
const HASHES_AT = (32 * 1024 ** 3) / BLOCK_BYTES;
const FREE_AT = 2 * HASHES_AT;
const FREE_PER_BLOCK = NAMES_ROOM / 2;

/** A name in a directory. */
export interface DirectoryEntry {
  readonly name: Buffer;
  readonly inode: number;
  readonly kind: number;
}

/** Blocks that follow each other in a directory, from `logical` on. */
export interface Section {
  readonly logical: number;
  readonly count: number;
}

/** A block of a directory, which does not say yet where it is. */
export interface DirectoryBlock {
  readonly bytes: Buffer;
  readonly form: XfsHeader;
}

type Names = readonly Pick<DirectoryEntry, 'name'>[];

const SELVES: Names = [{ name: Buffer.from('.') }, { name: Buffer.from('..') }];

/**
 * A directory that fits in its inode, where names of itself and of its parent are none.
 *
 * @throws RangeError for an inode whose number has more than 32 bits, which only a filesystem could have that is full of inodes.
 */
export function shortDirectory(entries: readonly DirectoryEntry[], parent: number): Buffer {
  const bytes = Buffer.alloc(shortDirectoryBytes(entries));
  bytes.writeUInt8(entries.length, 0);
  bytes.writeUInt32BE(parent, 2);
  const { places } = placeNames([...SELVES, ...entries]);
  let at = 6;
  entries.forEach(({ name, inode, kind }, index) => {
    bytes.writeUInt8(name.length, at);
    // Where it would be in a block.
    bytes.writeUInt16BE(places[index + SELVES.length] as number, at + 1);
    name.copy(bytes, at + 3);
    bytes.writeUInt8(kind, at + 3 + name.length);
    bytes.writeUInt32BE(inode, at + 4 + name.length);
    at += 8 + name.length;
  });
  return bytes;
}

export function shortDirectoryBytes(entries: Names): number {
  return entries.reduce((sum, { name }) => sum + 8 + name.length, 6);
}

/** The blocks that a directory of these names has: names, hashes, and what is free. */
export function directorySections(entries: Names): readonly Section[] {
  const { blocks, ends } = placeNames([...SELVES, ...entries]);
  const count = entries.length + SELVES.length;
  if (blocks === 1 && fitsOneBlock(ends[0] as number, count)) return [{ logical: 0, count: 1 }];
  const names = { logical: 0, count: blocks };
  if (fitsSingleLeaf(blocks, count)) return [names, { logical: HASHES_AT, count: 1 }];
  return [names, { logical: HASHES_AT, count: hashBlockCount(count) }, { logical: FREE_AT, count: Math.ceil(blocks / FREE_PER_BLOCK) }];
}

/**
 * The blocks of {@link directorySections}, in the same order.
 *
 * @see fs/xfs/libxfs/xfs_da_format.h of the kernel
 */
export function encodeDirectory(entries: readonly DirectoryEntry[], own: number, parent: number): DirectoryBlock[] {
  const kind = ENTRY_KINDS.directory;
  const all = [{ name: Buffer.from('.'), inode: own, kind }, { name: Buffer.from('..'), inode: parent, kind }, ...entries];
  const { blocks, places, ends } = placeNames(all);
  const isOne = blocks === 1 && fitsOneBlock(ends[0] as number, all.length);
  const names = ends.map(() => Buffer.alloc(BLOCK_BYTES));
  all.forEach((entry, index) => {
    const place = places[index] as number;
    writeEntry(names[Math.floor(place / BLOCK_BYTES)] as Buffer, entry, place % BLOCK_BYTES);
  });
  const hashes = all
    .map(({ name }, index): HashEntry => ({ hash: nameHash(name), address: (places[index] as number) / XFS_NAME_UNIT_BYTES }))
    .sort((a, b) => a.hash - b.hash || a.address - b.address);
  const tailBytes = isOne ? hashes.length * XFS_NAME_UNIT_BYTES + XFS_NAMES_TAIL_BYTES : 0;
  const free = names.map((bytes, block) => {
    bytes.write(isOne ? XFS_BLOCK.allNames : XFS_BLOCK.names, 0, 'latin1');
    return writeUnused(bytes, ends[block] as number, BLOCK_BYTES - tailBytes);
  });
  const nameBlocks = names.map((bytes) => ({ bytes, form: XFS_HEADER.names }));
  if (isOne) {
    const [bytes] = names as [Buffer];
    writeHashes(bytes, hashes, BLOCK_BYTES - tailBytes);
    bytes.writeUInt32BE(hashes.length, BLOCK_BYTES - XFS_NAMES_TAIL_BYTES);
    return nameBlocks;
  }
  if (fitsSingleLeaf(blocks, all.length)) {
    const bytes = hashHeader(XFS_HASHES.singleLeaf, hashes.length);
    writeHashes(bytes, hashes);
    free.forEach((largest, block) => bytes.writeUInt16BE(largest, BLOCK_BYTES - LEAF_TAIL_BYTES - (blocks - block) * 2));
    bytes.writeUInt32BE(blocks, BLOCK_BYTES - LEAF_TAIL_BYTES);
    return [...nameBlocks, { bytes, form: XFS_HEADER.hashes }];
  }
  const tree = encodeHashTree(hashes, HASHES_AT).map(({ bytes }) => ({ bytes, form: XFS_HEADER.hashes }));
  return [...nameBlocks, ...tree, ...freeBlocks(free).map((bytes) => ({ bytes, form: XFS_HEADER.names }))];
}

/** Where names go, counted from the first byte of the directory, and where those of each block end. */
function placeNames(entries: Names): { readonly blocks: number; readonly places: readonly number[]; readonly ends: readonly number[] } {
  const places: number[] = [];
  const ends: number[] = [];
  let at = XFS_HEADER_BYTES.names;
  for (const { name } of entries) {
    const size = xfsNameBytes(name.length);
    if (at + size > BLOCK_BYTES) {
      ends.push(at);
      at = XFS_HEADER_BYTES.names;
    }
    places.push(ends.length * BLOCK_BYTES + at);
    at += size;
  }
  ends.push(at);
  return { blocks: ends.length, places, ends };
}

function fitsOneBlock(end: number, entries: number): boolean {
  return end + entries * XFS_NAME_UNIT_BYTES + XFS_NAMES_TAIL_BYTES <= BLOCK_BYTES;
}

function fitsSingleLeaf(blocks: number, entries: number): boolean {
  return XFS_HEADER_BYTES.hashes + entries * XFS_NAME_UNIT_BYTES + blocks * 2 + LEAF_TAIL_BYTES <= BLOCK_BYTES;
}

function writeEntry(bytes: Buffer, { name, inode, kind }: DirectoryEntry, at: number): void {
  writeU64(bytes, inode, at);
  bytes.writeUInt8(name.length, at + 8);
  name.copy(bytes, at + 9);
  bytes.writeUInt8(kind, at + 9 + name.length);
  bytes.writeUInt16BE(at, at + xfsNameBytes(name.length) - 2);
}

/** Says of the room behind the names that it is free. @returns how much it is. */
function writeUnused(bytes: Buffer, from: number, to: number): number {
  const size = to - from;
  if (size === 0) return 0;
  bytes.writeUInt16BE(from, 48);
  bytes.writeUInt16BE(size, 50);
  bytes.writeUInt16BE(XFS_NO_NAME, from);
  bytes.writeUInt16BE(size, from + 2);
  bytes.writeUInt16BE(from, to - 2);
  return size;
}

/** What is free of each block of names. */
function freeBlocks(free: readonly number[]): Buffer[] {
  return Array.from({ length: Math.ceil(free.length / FREE_PER_BLOCK) }, (_, index) => {
    const first = index * FREE_PER_BLOCK;
    const part = free.slice(first, first + FREE_PER_BLOCK);
    const bytes = Buffer.alloc(BLOCK_BYTES);
    bytes.write('XDF3', 0, 'latin1');
    bytes.writeUInt32BE(first, 48);
    bytes.writeUInt32BE(part.length, 52);
    bytes.writeUInt32BE(part.length, 56);
    part.forEach((largest, block) => bytes.writeUInt16BE(largest, XFS_HEADER_BYTES.names + block * 2));
    return bytes;
  });
}
