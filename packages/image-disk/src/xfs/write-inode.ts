import { FILE_TYPE_BITS, XFS_FORMAT, XFS_HEADER, XFS_MINORS } from '@ict/image-parts';
import type { BlockExtent } from '@ict/plugin-api';
import { ENTRY_KINDS } from '../entry-kinds.js';
import { blocksOf, type FreeBlocks } from '../free-blocks.js';
import type { ImageFile } from '../image-file.js';
import type { StoredAttributes } from './attributes.js';
import { byteBlockCount, encodeByteBlocks } from './byte-blocks.js';
import { BLOCK_BYTES } from './constants.js';
import { directorySections, encodeDirectory, shortDirectory, type DirectoryEntry, type Section } from './directory.js';
import { mapExtents } from './extent-map.js';
import { inodeNumber, type Geometry } from './geometry.js';
import { CONTENT_ROOM, encodeInode, type Fork } from './inode.js';
import type { PlannedInode } from './inode-plan.js';
import { targetOf, type PlacedInode } from './place-inode.js';
import { describe } from './self-description.js';

/** Where a filesystem goes. */
export interface Output {
  readonly geometry: Geometry;
  readonly free: FreeBlocks;
  readonly image: ImageFile;
  readonly uuid: Uint8Array;
}

/** Writes what an inode's blocks hold but for a file's content. @returns the inode; undefined when it needs more blocks than are free. */
export function writeInode(placed: PlacedInode, epochSeconds: number, output: Output): Buffer | undefined {
  const { inode, roomBytes, isShort, extents, attributes, attributeExtents } = placed;
  const { record } = inode;
  const { geometry, image, uuid } = output;
  const number = inodeNumber(geometry, inode.index);
  const map = isShort ? shortContent(inode, geometry) : mapExtents(extents, roomBytes, number, output);
  const attributeMap =
    attributes.kind === 'inside'
      ? { ...INSIDE, content: attributes.content }
      : mapExtents(attributeExtents, CONTENT_ROOM - roomBytes, number, output);
  if (map === undefined || attributeMap === undefined) return undefined;
  for (const { at, bytes } of [...map.blocks, ...attributeMap.blocks]) image.write(at, bytes);
  if (attributes.kind === 'leaf') writeAttributes(attributes, placesOf(attributeExtents), number, output);
  const contentBytes = isShort ? map.content.length : writeContent(placed, number, output);
  return encodeInode(number, uuid, {
    mode: FILE_TYPE_BITS[record.type] | record.mode,
    uid: record.uid,
    gid: record.gid,
    links: inode.links,
    sizeBytes: map.format === XFS_FORMAT.device ? 0 : contentBytes,
    blocks: blocksOf(extents) + map.blocks.length + blocksOf(attributeExtents) + attributeMap.blocks.length,
    seconds: Math.min(record.mtimeSeconds, epochSeconds),
    format: map.format,
    content: map.content,
    extents: map.extents,
    attributes: attributes.kind === 'none' ? undefined : { start: roomBytes / 8, ...attributeMap },
  });
}

/** What is in an inode has no blocks. */
const INSIDE = { format: XFS_FORMAT.local, extents: 0, blocks: [] } as const;

function shortContent(inode: PlannedInode, geometry: Geometry): Fork {
  const { record, parent = inode } = inode;
  if (record.type === 'directory')
    return { ...INSIDE, content: shortDirectory(namesOf(inode, geometry), inodeNumber(geometry, parent.index)) };
  if (record.type === 'symlink') return { ...INSIDE, content: targetOf(record) };
  const { major, minor } = record.dev ?? { major: 0, minor: 0 };
  const content = Buffer.alloc(4);
  content.writeUInt32BE(major * XFS_MINORS + minor);
  return { ...INSIDE, format: XFS_FORMAT.device, content };
}

/** @returns the size of the content. */
function writeContent({ inode, extents }: PlacedInode, number: number, { geometry, image, uuid }: Output): number {
  const { record, parent = inode } = inode;
  const places = placesOf(extents);
  if (record.type === 'symlink') {
    const target = targetOf(record);
    encodeByteBlocks(target, 'target', places, { owner: number, uuid }).forEach((bytes, index) =>
      image.write(places[index] as number, bytes),
    );
    return target.length;
  }
  if (record.type !== 'directory') return record.sizeBytes ?? 0;
  const blocks = encodeDirectory(namesOf(inode, geometry), number, inodeNumber(geometry, parent.index));
  blocks.forEach(({ bytes, form }, index) => {
    const at = places[index] as number;
    image.write(at, describe(bytes, form, { at, owner: number, uuid }));
  });
  // Blocks of names come first, and only they count.
  const [{ count }] = directorySections(inode.entries) as [Section];
  return count * BLOCK_BYTES;
}

function writeAttributes(
  { leaf, values }: Extract<StoredAttributes, { kind: 'leaf' }>,
  [at, ...places]: readonly number[],
  owner: number,
  { image, uuid }: Output,
): void {
  if (at === undefined) return;
  image.write(at, describe(leaf, XFS_HEADER.hashes, { at, owner, uuid }));
  for (const value of values) {
    const own = places.splice(0, byteBlockCount(value));
    encodeByteBlocks(value, 'value', own, { owner, uuid }).forEach((bytes, index) => image.write(own[index] as number, bytes));
  }
}

function namesOf({ entries }: PlannedInode, geometry: Geometry): DirectoryEntry[] {
  return entries.map(({ name, inode: { index, record } }) => ({
    name,
    inode: inodeNumber(geometry, index),
    kind: ENTRY_KINDS[record.type],
  }));
}

/** Each block of the extents, in their order. */
function placesOf(extents: readonly BlockExtent[]): number[] {
  return extents.flatMap(({ at, count }) => Array.from({ length: count }, (_, index) => at + index));
}
