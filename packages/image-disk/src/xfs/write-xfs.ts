import { FILE_TYPE_BITS, uuidBytes, XFS_FORMAT } from '@ict/image-parts';
import { FreeBlocks, blocksOf } from '../free-blocks.js';
import { ImageFile } from '../image-file.js';
import type { PackContents, TreeWriting, TreeWritten } from '../tree-writing.js';
import { BLOCK_BYTES, CHUNKS_AT, INODES_PER_BLOCK, INODES_PER_CHUNK, LIST_BLOCKS } from './constants.js';
import { inodeNumber, layOut } from './geometry.js';
import { encodeGroupHeaders } from './group-headers.js';
import { encodeGroupTrees } from './group-trees.js';
import { encodeInode } from './inode.js';
import { planInodes } from './inode-plan.js';
import { encodeLog } from './log.js';
import { placeInode, type PlacedInode } from './place-inode.js';
import { encodeSuperblock, RESERVED_INODES, type SuperblockFields } from './superblock.js';
import { writeInode, type Output } from './write-inode.js';

/** The map of a realtime device is kept up to date. */
const NEW_BITMAP = 0x4;

export interface XfsRequest extends TreeWriting {
  readonly uuid: string;
}

/**
 * Writes an xfs with a tree's files: metadata from the tree's records, contents by `pack`. The bytes are a function of the request and the
 * contents alone. Inodes, directories and files lie one behind the other, and everything after them is zeros, but for what begins each group.
 *
 * @see Documentation/filesystems/xfs of the kernel
 * @throws RangeError for a size that no xfs has here.
 */
export async function writeXfs(request: XfsRequest, pack: PackContents): Promise<TreeWritten> {
  const { records, root, epochSeconds, file, offsetBytes } = request;
  const blocks = Math.floor(request.sizeBytes / BLOCK_BYTES);
  const inodes = planInodes(records, root, epochSeconds);
  if (typeof inodes === 'string') return { kind: 'refused', path: inodes, reason: 'is no directory' };
  const usedInodes = inodes.length + RESERVED_INODES - 1;
  const geometry = layOut(blocks, usedInodes);
  const free = new FreeBlocks(geometry.free);
  const placed: PlacedInode[] = [];
  for (const inode of inodes) {
    const place = placeInode(inode, free);
    if (typeof place === 'string') return { kind: 'refused', path: inode.record.path, reason: place };
    placed.push(place);
  }
  const packed = placed.filter(({ inode: { record } }) => record.type === 'file' && record.sizeBytes !== 0);
  const packing = await pack(
    packed.map(({ inode }) => inode.record.path),
    { file, offsetBytes, blockBytes: BLOCK_BYTES, free: free.ranges },
  );
  free.take(packing.kind === 'full' ? packing.blocks : blocksOf(packing.extents.flat()));
  const needed = (): number => blocks + geometry.lackingBlocks - free.capacity + free.asked;
  if (packing.kind === 'full' || free.full || geometry.lackingBlocks > 0) return full(needed(), inodes.length);

  const uuid = uuidBytes(request.uuid);
  using image = new ImageFile(file, offsetBytes, BLOCK_BYTES);
  const output: Output = { geometry, free, image, uuid };
  const contents = new Map(packed.map((place, index) => [place, packing.extents[index] ?? []]));
  const written = placed.map((place) => writeInode({ ...place, extents: contents.get(place) ?? place.extents }, epochSeconds, output));
  if (free.full) return full(needed(), inodes.length);
  const [top, ...others] = written as [Buffer, ...Buffer[]];
  writeInodes([top, ...realtimeInodes(output, epochSeconds), ...others], output);
  writeGroups(
    { uuid, label: request.label, usedInodes, hasAttributes: placed.some(({ attributes }) => attributes.kind !== 'none') },
    output,
  );
  image.write(geometry.logAt, encodeLog(uuid));
  image.flush();
  return { kind: 'written' };
}

function full(neededBlocks: number, files: number): TreeWritten {
  return { kind: 'full', neededBytes: neededBlocks * BLOCK_BYTES, files };
}

/** The two files of a realtime device, which are empty, as there is none. */
function realtimeInodes({ geometry, uuid }: Output, seconds: number): Buffer[] {
  const file = { mode: FILE_TYPE_BITS.file, uid: 0, gid: 0, links: 1, sizeBytes: 0, blocks: 0, seconds };
  const fork = { format: XFS_FORMAT.extents, content: Buffer.alloc(0), extents: 0 };
  return [NEW_BITMAP, 0].map((flags, index) => encodeInode(inodeNumber(geometry, index + 1), uuid, { ...file, ...fork, flags }));
}

/** Writes the inodes, and behind them those of the last chunk that are free. */
function writeInodes(inodes: readonly Buffer[], { geometry, image, uuid }: Output): void {
  for (const { start, firstChunk, chunks } of geometry.groups) {
    const first = firstChunk * INODES_PER_CHUNK;
    for (let index = first; index < first + chunks * INODES_PER_CHUNK; index += INODES_PER_BLOCK) {
      const block = Array.from(
        { length: INODES_PER_BLOCK },
        (_, place) => inodes[index + place] ?? encodeInode(inodeNumber(geometry, index + place), uuid),
      );
      image.write(start + CHUNKS_AT + (index - first) / INODES_PER_BLOCK, Buffer.concat(block));
    }
  }
}

/** Writes the trees of all groups, and what begins each: superblock and headers. */
function writeGroups(
  { usedInodes, ...fields }: Pick<SuperblockFields, 'uuid' | 'label' | 'hasAttributes'> & { readonly usedInodes: number },
  { geometry, free, image, uuid }: Output,
): void {
  const inodes = geometry.groups.reduce((sum, { chunks }) => sum + chunks * INODES_PER_CHUNK, 0);
  // Those on the lists of groups are free, too.
  const freeBlocks = blocksOf(free.ranges) + geometry.groups.length * LIST_BLOCKS;
  const superblock = encodeSuperblock(geometry, { ...fields, inodes, freeInodes: inodes - usedInodes, freeBlocks });
  for (const group of geometry.groups) {
    const { start, blocks, firstChunk, chunks } = group;
    const inGroup = free.ranges.filter(({ at }) => at >= start && at < start + blocks);
    const used = Math.min(Math.max(0, usedInodes - firstChunk * INODES_PER_CHUNK), chunks * INODES_PER_CHUNK);
    const trees = encodeGroupTrees(group, used, inGroup, uuid);
    image.write(start, Buffer.concat([superblock, encodeGroupHeaders(group, trees, uuid)], BLOCK_BYTES));
    for (const { at, bytes } of trees.blocks) image.write(at, bytes);
  }
}
