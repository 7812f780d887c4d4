import { FILE_TYPE_BITS, crc32c, uuidBytes } from '@ict/image-parts';
import type { BlockExtent } from '@ict/plugin-api';
import { FreeBlocks, blocksOf } from '../free-blocks.js';
import { ImageFile } from '../image-file.js';
import type { PackContents, TreeWriting, TreeWritten } from '../tree-writing.js';
import { BLOCKS_PER_GROUP, BLOCK_BYTES, hasBackup, layOut, type Geometry } from './geometry.js';
import { describeGroups } from './group-descriptors.js';
import { placeInode, writeExtentTree, writeInode, type Output, type PlacedInode } from './inode-content.js';
import { planInodes, type PlannedInode } from './inode-plan.js';
import { InodeTables } from './inode-tables.js';
import { EXTENTS_FLAG, MAX_LINKS, CONTENT_AT, CONTENT_BYTES, encodeInode, type InodeFields } from './inode.js';
import { encodeJournalSuperblock } from './journal.js';
import { RESIZE_INODE, encodeDoublyIndirect, makeResizeInode } from './resize-inode.js';
import { inodeSeed } from './seeds.js';
import { JOURNAL_INODE, SUPERBLOCK_OFFSET, encodeSuperblock, type SuperblockFields } from './superblock.js';

export interface Ext4Request extends TreeWriting {
  readonly uuid: string;
  readonly hashSeed: string;
}

/**
 * Writes an ext4 filesystem of a tree into a disk image: metadata from the tree's records, contents by `pack`. The bytes are a function of
 * the request and the contents alone. Journal, directories and files lie one behind the other, and everything after them is zeros.
 *
 * @see Documentation/filesystems/ext4 of the kernel
 * @throws RangeError for a size that ext4 cannot have, which {@link extSizeProblem} tells before.
 */
export async function writeExt4(request: Ext4Request, pack: PackContents): Promise<TreeWritten> {
  const { records, root, epochSeconds } = request;
  const geometry = layOut(Math.floor(request.sizeBytes / BLOCK_BYTES));
  if (geometry === undefined) throw new RangeError(`an ext4 cannot have ${request.sizeBytes} bytes`);
  const inodes = planInodes(records, root, epochSeconds);
  if (typeof inodes === 'string') return refused(inodes, 'is no directory');
  const crowd = inodes.find(({ record, links }) => record.type !== 'directory' && links > MAX_LINKS);
  if (crowd !== undefined) return refused(crowd.record.path, `has more than ${MAX_LINKS} names`);

  const free = new FreeBlocks(geometry.free);
  const journal = free.take(geometry.journalBlocks);
  const growth = free.take(1);
  const placed: PlacedInode[] = [];
  for (const inode of inodes) {
    const place = placeInode(inode, free);
    if (place === undefined) return refused(inode.record.path, 'has extended attributes that ext4 cannot hold');
    placed.push(place);
  }
  const packed = placed.filter(({ inode: { record } }) => record.type === 'file' && record.sizeBytes !== 0);
  const { file, offsetBytes } = request;
  const packing = await pack(
    packed.map(({ inode }) => inode.record.path),
    { file, offsetBytes, blockBytes: BLOCK_BYTES, free: free.ranges },
  );
  const contents = packing.kind === 'packed' ? new Map(packed.map((place, index) => [place, packing.extents[index] ?? []])) : undefined;
  free.take(packing.kind === 'full' ? packing.blocks : blocksOf(packing.extents.flat()));
  const lastInode = (inodes.at(-1) as PlannedInode).number;
  if (contents === undefined || free.full || lastInode > geometry.inodes) return full(geometry, free, inodes.length, lastInode);

  using image = new ImageFile(file, offsetBytes, BLOCK_BYTES);
  const tables = new InodeTables(geometry, lastInode);
  const filesystem: Filesystem = { request, geometry, free, image, tables, seed: crc32c(uuidBytes(request.uuid)) };
  writeJournal(journal, filesystem);
  writeGrowth(growth, filesystem);
  for (const place of placed) {
    const extents = contents.get(place);
    writeInode(extents === undefined ? place : { ...place, extents }, epochSeconds, filesystem);
  }
  if (free.full) return full(geometry, free, inodes.length, lastInode);
  tables.write(image);
  const directories = inodes.flatMap(({ number, record }) => (record.type === 'directory' ? [number] : []));
  writeGroups(filesystem, lastInode, directories);
  image.flush();
  return { kind: 'written' };
}

interface Filesystem extends Output {
  readonly request: Ext4Request;
  readonly geometry: Geometry;
}

function refused(path: string, reason: string): TreeWritten {
  return { kind: 'refused', path, reason };
}

function full({ blocks, inodes: room }: Geometry, free: FreeBlocks, files: number, lastInode: number): TreeWritten {
  const neededBlocks = blocks - free.capacity + free.asked;
  return { kind: 'full', neededBytes: BLOCK_BYTES * Math.max(neededBlocks, Math.ceil(lastInode * (blocks / room))), files };
}

function writeJournal(extents: readonly BlockExtent[], filesystem: Filesystem): void {
  const [start] = extents;
  if (start === undefined) return;
  const { request, geometry, image } = filesystem;
  const blocks = geometry.journalBlocks;
  image.write(start.at, encodeJournalSuperblock(blocks, request.uuid));
  // From 64 GiB on it is cut into more pieces than its inode can name.
  const treeBlocks = writeExtentTree(JOURNAL_INODE, extents, filesystem);
  writeHidden(JOURNAL_INODE, { sizeBytes: blocks * BLOCK_BYTES, blocks: blocks + treeBlocks, flags: EXTENTS_FLAG }, filesystem);
}

function writeGrowth(extents: readonly BlockExtent[], filesystem: Filesystem): void {
  const { geometry, image, tables } = filesystem;
  const [{ at }] = extents as [BlockExtent];
  const { sizeBytes, blocks, doublyIndirect, kept, keptAt } = makeResizeInode(geometry);
  image.write(keptAt, kept);
  image.write(at, doublyIndirect);
  const { table, start } = tables.at(RESIZE_INODE);
  encodeDoublyIndirect(table, start + CONTENT_AT, at);
  writeHidden(RESIZE_INODE, { sizeBytes, blocks, flags: 0 }, filesystem);
}

/** Writes the inode of a file that has no name. */
function writeHidden(
  number: number,
  own: Pick<InodeFields, 'sizeBytes' | 'blocks' | 'flags'>,
  { request, tables, seed }: Filesystem,
): void {
  const fields = { ...own, mode: FILE_TYPE_BITS.file | 0o600, uid: 0, gid: 0, links: 1, seconds: request.epochSeconds };
  const { table, start } = tables.at(number);
  encodeInode(table, start, fields, inodeSeed(seed, number));
}

/** Writes bitmaps, and superblock and descriptors with their copies. */
function writeGroups(filesystem: Filesystem, lastInode: number, directories: readonly number[]): void {
  const { request, geometry, free, image, tables, seed } = filesystem;
  const { descriptors, bitmaps } = describeGroups(geometry, { lastInode, directories, free: free.ranges }, seed);
  for (const { at, bytes } of bitmaps) image.write(at, bytes);
  const { uuid, hashSeed, label, epochSeconds: seconds } = request;
  const { table, start } = tables.at(JOURNAL_INODE);
  const fields: SuperblockFields = {
    uuid,
    hashSeed,
    label,
    seconds,
    freeBlocks: blocksOf(free.ranges),
    freeInodes: geometry.inodes - lastInode,
    journal: {
      sizeBytes: geometry.journalBlocks * BLOCK_BYTES,
      content: table.subarray(start + CONTENT_AT, start + CONTENT_AT + CONTENT_BYTES),
    },
  };
  geometry.groups.forEach((_places, group) => {
    if (!hasBackup(group)) return;
    const first = Buffer.alloc(BLOCK_BYTES);
    encodeSuperblock(geometry, fields, group).copy(first, group === 0 ? SUPERBLOCK_OFFSET : 0);
    image.write(group * BLOCKS_PER_GROUP, first);
    image.write(group * BLOCKS_PER_GROUP + 1, descriptors);
  });
}
