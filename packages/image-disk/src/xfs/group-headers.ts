import { CHUNKS_AT, GROUP_BLOCK, INODES_PER_BLOCK, INODES_PER_CHUNK, LIST_BLOCKS, NONE, SECTOR_BYTES } from './constants.js';
import type { Group } from './geometry.js';
import type { GroupTrees } from './group-trees.js';
import { writeChecksum } from './self-description.js';

const VERSION = 1;
/** Lists of files that are open without a name. */
const UNLINKED_LISTS = 64;

/** The three sectors behind the superblock of a group: its free space, its inodes, and blocks that its trees may take. */
export function encodeGroupHeaders(group: Group, trees: GroupTrees, uuid: Uint8Array): Buffer {
  return Buffer.concat([encodeFreeSpace(group, trees, uuid), encodeInodes(group, trees, uuid), encodeList(group, uuid)]);
}

function header(magic: string, { number, blocks }: Group): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32BE(VERSION, 4);
  bytes.writeUInt32BE(number, 8);
  bytes.writeUInt32BE(blocks, 12);
  return bytes;
}

/** @see struct xfs_agf in fs/xfs/libxfs/xfs_format.h of the kernel */
function encodeFreeSpace(group: Group, { freeBlocks, longest }: GroupTrees, uuid: Uint8Array): Buffer {
  const bytes = header('XAGF', group);
  bytes.writeUInt32BE(GROUP_BLOCK.freeByPlace, 16);
  bytes.writeUInt32BE(GROUP_BLOCK.freeBySize, 20);
  for (const levels of [28, 32, 92]) bytes.writeUInt32BE(1, levels);
  bytes.writeUInt32BE(LIST_BLOCKS - 1, 44);
  bytes.writeUInt32BE(LIST_BLOCKS, 48);
  bytes.writeUInt32BE(freeBlocks, 52);
  bytes.writeUInt32BE(longest, 56);
  bytes.set(uuid, 64);
  bytes.writeUInt32BE(1, 84); // blocks of the tree of references
  bytes.writeUInt32BE(GROUP_BLOCK.references, 88);
  return writeChecksum(bytes, 216);
}

/** @see struct xfs_agi there */
function encodeInodes(group: Group, { freeInodes, inodeTreeLevels, inodeTreeBlocks }: GroupTrees, uuid: Uint8Array): Buffer {
  const bytes = header('XAGI', group);
  const lastChunk = CHUNKS_AT * INODES_PER_BLOCK + (group.chunks - 1) * INODES_PER_CHUNK;
  bytes.writeUInt32BE(group.chunks * INODES_PER_CHUNK, 16);
  bytes.writeUInt32BE(GROUP_BLOCK.inodes, 20);
  bytes.writeUInt32BE(inodeTreeLevels, 24);
  bytes.writeUInt32BE(freeInodes, 28);
  bytes.writeUInt32BE(group.chunks === 0 ? NONE : lastChunk, 32);
  bytes.fill(0xff, 36, 40 + UNLINKED_LISTS * 4);
  bytes.set(uuid, 296);
  bytes.writeUInt32BE(GROUP_BLOCK.freeInodes, 328);
  bytes.writeUInt32BE(1, 332);
  bytes.writeUInt32BE(inodeTreeBlocks, 336);
  bytes.writeUInt32BE(1, 340);
  return writeChecksum(bytes, 312);
}

/** @see struct xfs_agfl there */
function encodeList({ number }: Group, uuid: Uint8Array): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.write('XAFL', 0, 'latin1');
  bytes.writeUInt32BE(number, 4);
  bytes.set(uuid, 8);
  bytes.fill(0xff, 36);
  for (let index = 0; index < LIST_BLOCKS; index++) bytes.writeUInt32BE(GROUP_BLOCK.list + index, 36 + index * 4);
  return writeChecksum(bytes, 32);
}
