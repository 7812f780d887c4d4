import { FILE_TYPE_BITS } from '@ict/image-parts';
import type { BlockExtent, TreeRecord } from '@ict/plugin-api';
import { ENTRY_KINDS } from '../entry-kinds.js';
import { blocksOf, type FreeBlocks } from '../free-blocks.js';
import type { ImageFile } from '../image-file.js';
import { directoryBlockCount, encodeDirectory, type DirectoryEntry } from './directory-blocks.js';
import { sealAttributeBlock, storeAttributes, type StoredAttributes } from './extended-attributes.js';
import { encodeExtents } from './extent-tree.js';
import { BLOCK_BYTES, FIRST_FREE_INODE } from './geometry.js';
import { ATTRIBUTE_ROOM_BYTES, CONTENT_AT, CONTENT_BYTES, EXTENTS_FLAG, encodeDevice, encodeInode, type InodeFields } from './inode.js';
import type { PlannedInode } from './inode-plan.js';
import type { InodeTables } from './inode-tables.js';
import { inodeSeed } from './seeds.js';

/** So many that a check of a full filesystem can put names there. */
const LOST_AND_FOUND_BLOCKS = 4;

/** An inode and the blocks that it has, but for those of its extent tree. */
export interface PlacedInode {
  readonly inode: PlannedInode;
  readonly attributes: StoredAttributes | undefined;
  readonly attributeBlock: number | undefined;
  /** Those of a file come when its content is packed. */
  readonly extents: readonly BlockExtent[];
}

/** Where a filesystem goes. */
export interface Output {
  readonly free: FreeBlocks;
  readonly image: ImageFile;
  readonly tables: InodeTables;
  /** What checksums of the filesystem start from. */
  readonly seed: number;
}

/**
 * Gives an inode the blocks of everything but a file's content.
 *
 * @returns undefined when its extended attributes cannot be stored.
 */
export function placeInode(inode: PlannedInode, free: FreeBlocks): PlacedInode | undefined {
  const { xattrs } = inode.record;
  const attributes = xattrs === undefined ? undefined : storeAttributes(xattrs, ATTRIBUTE_ROOM_BYTES);
  if (attributes === undefined && xattrs !== undefined) return undefined;
  const attributeBlock = attributes?.block === undefined ? undefined : free.take(1)[0]?.at;
  return { inode, attributes, attributeBlock, extents: free.take(ownBlocks(inode)) };
}

/** Blocks of a directory's names or a long link's target. */
function ownBlocks({ number, record, entries }: PlannedInode): number {
  if (record.type === 'symlink') return isLong(targetOf(record)) ? 1 : 0;
  if (record.type !== 'directory') return 0;
  const needed = directoryBlockCount(entries);
  return number === FIRST_FREE_INODE ? Math.max(needed, LOST_AND_FOUND_BLOCKS) : needed;
}

/** Writes an inode, and what its blocks hold but for a file's content. */
export function writeInode(placed: PlacedInode, epochSeconds: number, output: Output): void {
  const { image, tables, seed: filesystemSeed } = output;
  const { inode, attributes, attributeBlock, extents } = placed;
  const { record, number } = inode;
  const seed = inodeSeed(filesystemSeed, number);
  const target = record.type === 'symlink' ? targetOf(record) : undefined;
  const { table, start } = tables.at(number);
  const contentAt = start + CONTENT_AT;
  let treeBlocks = 0;
  if (hasExtents(record, target)) treeBlocks = writeExtentTree(number, extents, output);
  else if (target !== undefined) target.copy(table, contentAt);
  else encodeDevice(table, contentAt, record.dev?.major ?? 0, record.dev?.minor ?? 0);
  const ownBytes = blocksOf(extents) * BLOCK_BYTES;
  if (record.type === 'directory') writeExtents(encodeDirectory(namesOf(inode), blocksOf(extents), seed), extents, image);
  if (target !== undefined && isLong(target)) writeExtents(Buffer.concat([target], ownBytes), extents, image);
  if (attributes?.block !== undefined && attributeBlock !== undefined) {
    image.write(attributeBlock, sealAttributeBlock(attributes.block, attributeBlock, filesystemSeed));
  }
  const fields: InodeFields = {
    mode: FILE_TYPE_BITS[record.type] | record.mode,
    uid: record.uid,
    gid: record.gid,
    sizeBytes: record.type === 'directory' ? ownBytes : (target?.length ?? record.sizeBytes ?? 0),
    links: inode.links,
    blocks: blocksOf(extents) + treeBlocks + (attributeBlock === undefined ? 0 : 1),
    seconds: Math.min(record.mtimeSeconds, epochSeconds),
    flags: hasExtents(record, target) ? EXTENTS_FLAG : 0,
    attributes: attributes?.inInode,
    attributeBlock,
  };
  encodeInode(table, start, fields, seed);
}

/** Writes the tree by which an inode finds its blocks. @returns how many blocks the tree has outside the inode. */
export function writeExtentTree(inode: number, extents: readonly BlockExtent[], { free, image, tables, seed }: Output): number {
  const { table, start } = tables.at(inode);
  const blocks = encodeExtents(table, start + CONTENT_AT, extents, inodeSeed(seed, inode), free);
  for (const { at, bytes } of blocks) image.write(at, bytes);
  return blocks.length;
}

function hasExtents({ type }: TreeRecord, target: Buffer | undefined): boolean {
  return type === 'file' || type === 'directory' || (target !== undefined && isLong(target));
}

function namesOf(inode: PlannedInode): DirectoryEntry[] {
  const kind = ENTRY_KINDS.directory;
  return [
    { name: '.', inode: inode.number, kind },
    { name: '..', inode: (inode.parent ?? inode).number, kind },
    ...inode.entries.map(({ name, inode: { number, record } }) => ({ name, inode: number, kind: ENTRY_KINDS[record.type] })),
  ];
}

function targetOf({ linkTarget }: TreeRecord): Buffer {
  return Buffer.from(linkTarget ?? '');
}

/** Shorter targets lie in the inode, with a zero behind them. */
function isLong(target: Buffer): boolean {
  return target.length >= CONTENT_BYTES;
}

function writeExtents(bytes: Buffer, extents: readonly BlockExtent[], image: ImageFile): void {
  for (const { first, at, count } of extents) image.write(at, bytes.subarray(first * BLOCK_BYTES, (first + count) * BLOCK_BYTES));
}
