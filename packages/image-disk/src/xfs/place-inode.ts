import { XFS_MINORS } from '@ict/image-parts';
import type { BlockExtent, TreeRecord } from '@ict/plugin-api';
import { blocksOf, type FreeBlocks } from '../free-blocks.js';
import { storeAttributes, type StoredAttributes } from './attributes.js';
import { byteBlockCount } from './byte-blocks.js';
import { directorySections, shortDirectoryBytes, type Section } from './directory.js';
import { CONTENT_ROOM } from './inode.js';
import type { PlannedInode } from './inode-plan.js';

/** Longest target of a link, in bytes. */
const LONGEST_TARGET = 1023;
/** Where the attributes of a device begin: its number takes so much. */
const DEVICE_BYTES = 8;
/** What content must have beside attributes: the root of a tree of extents with three pointers. */
const LEAST_CONTENT_BYTES = 56;
/** What attributes have at least, for the same reason. */
const LEAST_ATTRIBUTE_BYTES = 40;
/** As many kinds of devices as the kernel reads. */
const MAJORS = 512;

/** An inode and the blocks that it has, but for those of its tree of extents. */
export interface PlacedInode {
  readonly inode: PlannedInode;
  /** What of the inode is for content. */
  readonly roomBytes: number;
  readonly attributes: StoredAttributes;
  /** Those of what is not in the inode. */
  readonly attributeExtents: readonly BlockExtent[];
  /** True when its content is in the inode. */
  readonly isShort: boolean;
  /** Those of a file come when its content is packed. */
  readonly extents: readonly BlockExtent[];
}

/** Gives an inode the blocks of everything but a file's content. @returns why an xfs has no form for it, to follow its path, when it has none. */
export function placeInode(inode: PlannedInode, free: FreeBlocks): PlacedInode | string {
  const { record, entries } = inode;
  const { type, xattrs = {}, dev } = record;
  if (targetOf(record).length > LONGEST_TARGET) return `is a link to a path of more than ${LONGEST_TARGET} bytes`;
  if (dev !== undefined && (dev.major >= MAJORS || dev.minor >= XFS_MINORS)) return 'is a device whose number is too large';
  const least = isNumber(type) ? DEVICE_BYTES : LEAST_CONTENT_BYTES;
  const attributes = storeAttributes(xattrs, CONTENT_ROOM - least);
  if (attributes === undefined) return 'has extended attributes that an xfs cannot hold';
  const attributeBlocks = attributes.kind === 'leaf' ? attributes.values.reduce((sum, value) => sum + byteBlockCount(value), 1) : 0;
  const roomBytes = isNumber(type) && attributes.kind !== 'none' ? DEVICE_BYTES : contentRoom(attributes);
  const shortBytes = type === 'directory' ? shortDirectoryBytes(entries) : targetOf(record).length;
  const isShort = type !== 'file' && (isNumber(type) || shortBytes <= roomBytes);
  const attributeExtents = free.take(attributeBlocks);
  return { inode, roomBytes, attributes, attributeExtents, isShort, extents: isShort ? [] : placeContent(inode, free) };
}

/** True for devices, pipes and sockets, of which an inode has a number, or none. */
function isNumber(type: TreeRecord['type']): boolean {
  return type !== 'file' && type !== 'directory' && type !== 'symlink';
}

function contentRoom(attributes: StoredAttributes): number {
  if (attributes.kind === 'none') return CONTENT_ROOM;
  const needed = attributes.kind === 'inside' ? Math.max(attributes.content.length, LEAST_ATTRIBUTE_BYTES) : LEAST_ATTRIBUTE_BYTES;
  return Math.floor((CONTENT_ROOM - needed) / 8) * 8;
}

function placeContent({ record, entries }: PlannedInode, free: FreeBlocks): readonly BlockExtent[] {
  if (record.type === 'symlink') return free.take(byteBlockCount(targetOf(record)));
  if (record.type !== 'directory') return [];
  const sections = directorySections(entries);
  return spread(free.take(blocksOf(sections)), sections);
}

/** Gives the blocks of a directory their places in it, which are far from each other. */
function spread(extents: readonly BlockExtent[], sections: readonly Section[]): BlockExtent[] {
  let before = 0;
  return sections.flatMap(({ logical, count }) => {
    const [start, end] = [before, (before += count)];
    return extents.flatMap(({ first, at, count: length }) => {
      const from = Math.max(first, start);
      const to = Math.min(first + length, end);
      return from < to ? [{ first: logical + from - start, at: at + from - first, count: to - from }] : [];
    });
  });
}

/** The target of a link; empty for anything else. */
export function targetOf({ type, linkTarget }: TreeRecord): Buffer {
  return Buffer.from(type === 'symlink' ? (linkTarget ?? '') : '');
}
