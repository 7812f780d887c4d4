import type { BlockExtent, TreeRecord } from '@ict/plugin-api';
import { BTRFS_EXTENT, BTRFS_ITEM, BTRFS_KEY_BYTES, FILE_TYPE_BITS, crc32c, writeBtrfsKey, writeU64 } from '@ict/image-parts';
import { ENTRY_KINDS } from '../entry-kinds.js';
import { blocksOf } from '../free-blocks.js';
import { GENERATION, ITEM_DATA_BYTES, SECTOR_BYTES } from './constants.js';
import type { Item } from './item.js';
import { encodeInode } from './inode-item.js';
import type { PlannedInode } from './inode-plan.js';

/** Names that a file may have: as many as Linux gives it. */
const MAX_LINKS = 65_535;
const DIRECTORY_ENTRY_BYTES = 30;
const NAME_SEED = 0xffff_fffe;
const ATTRIBUTE_KIND = 8;
const EXTENT_FIELDS_BYTES = 21;

/** Why a btrfs has no form for a file, to follow its path; undefined for one that it holds. */
export function refusal({ names, record }: PlannedInode): string | undefined {
  if (names.length > MAX_LINKS) return `has more than ${MAX_LINKS} names`;
  if (references(names).some(({ data }) => data.length > ITEM_DATA_BYTES)) return 'has more names in one directory than fit in a block';
  const attribute = attributes(record).find(({ data }) => data.length > ITEM_DATA_BYTES);
  return attribute === undefined ? undefined : 'has extended attributes that a block of a btrfs cannot hold';
}

/** The items of the tree of files, in order. @param extents of each file, counted in sectors. */
export function fileItems(
  inodes: readonly PlannedInode[],
  extents: ReadonlyMap<PlannedInode, readonly BlockExtent[]>,
  epochSeconds: number,
): Item[] {
  return inodes.flatMap((inode) => itemsOf(inode, extents.get(inode) ?? [], epochSeconds));
}

/** The root directory of a tree that has no files. */
export function emptyTree(object: number, seconds: number): Item[] {
  const data = encodeInode({ mode: FILE_TYPE_BITS.directory | 0o755, links: 1, sizeBytes: 0, diskBytes: 0, seconds });
  return [{ object, kind: BTRFS_ITEM.inode, offset: 0, data }, parentOfRoot(object)];
}

/** An entry of a directory. */
export function encodeEntry(
  target: Pick<Item, 'object' | 'kind' | 'offset'> | undefined,
  kind: number,
  name: Buffer,
  value: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(DIRECTORY_ENTRY_BYTES);
  if (target !== undefined) writeBtrfsKey(bytes, target, 0);
  writeU64(bytes, GENERATION, BTRFS_KEY_BYTES);
  bytes.writeUInt16LE(value.length % 2 ** 16, 25);
  bytes.writeUInt16LE(name.length, 27);
  bytes.writeUInt8(kind, 29);
  return Buffer.concat([bytes, name, value]);
}

/** What names are found by. */
export const nameHash = (name: Buffer): number => crc32c(name, NAME_SEED);

export function encodeReference(index: number, name: Buffer): Buffer {
  const bytes = Buffer.alloc(10);
  writeU64(bytes, index, 0);
  bytes.writeUInt16LE(name.length, 8);
  return Buffer.concat([bytes, name]);
}

function parentOfRoot(object: number): Item {
  return { object, kind: BTRFS_ITEM.inodeReference, offset: object, data: encodeReference(0, Buffer.from('..')) };
}

function itemsOf(inode: PlannedInode, extents: readonly BlockExtent[], epochSeconds: number): Item[] {
  const { number: object, record, names, entries } = inode;
  const target = record.type === 'symlink' ? Buffer.from(record.linkTarget ?? '') : undefined;
  const isDirectory = record.type === 'directory';
  const namesBytes = entries.reduce((sum, { name }) => sum + name.length, 0);
  const data = encodeInode({
    mode: FILE_TYPE_BITS[record.type] | record.mode,
    uid: record.uid,
    gid: record.gid,
    links: isDirectory ? 1 : names.length,
    // A directory's names are in it twice.
    sizeBytes: isDirectory ? 2 * namesBytes : (target?.length ?? record.sizeBytes ?? 0),
    diskBytes: target?.length ?? blocksOf(extents) * SECTOR_BYTES,
    device: record.dev,
    seconds: Math.min(record.mtimeSeconds, epochSeconds),
  });
  const own = [{ object, kind: BTRFS_ITEM.inode, offset: 0, data }];
  const parents = names.length === 0 ? [parentOfRoot(object)] : references(names).map((item) => ({ ...item, object }));
  const attached = attributes(record).map((item) => ({ ...item, object }));
  const found = entries.map(({ name, inode: { number, record: entry } }) => ({
    offset: nameHash(name),
    data: encodeEntry({ object: number, kind: BTRFS_ITEM.inode, offset: 0 }, ENTRY_KINDS[entry.type], name),
  }));
  const byHash = together(found).map((item) => ({ ...item, object, kind: BTRFS_ITEM.directoryName }));
  const byIndex = entries.map(({ name, index, inode: { number, record: entry } }) => ({
    object,
    kind: BTRFS_ITEM.directoryIndex,
    offset: index,
    data: encodeEntry({ object: number, kind: BTRFS_ITEM.inode, offset: 0 }, ENTRY_KINDS[entry.type], name),
  }));
  const contents = target === undefined ? extents.map(encodeExtent) : [{ offset: 0, data: encodeInline(target) }];
  return [
    ...own,
    ...parents,
    ...attached,
    ...byHash,
    ...byIndex,
    ...contents.map((item) => ({ ...item, object, kind: BTRFS_ITEM.fileExtent })),
  ];
}

type Part = Pick<Item, 'data'> & { readonly offset: number };
type PartOfKind = Part & Pick<Item, 'kind'>;

/** By the directory that each name is in. */
function references(names: PlannedInode['names']): PartOfKind[] {
  const parts = names.map(({ parent, name, index }) => ({ offset: parent.number, data: encodeReference(index, name) }));
  return together(parts).map((item) => ({ ...item, kind: BTRFS_ITEM.inodeReference }));
}

function attributes({ xattrs = {} }: TreeRecord): PartOfKind[] {
  const parts = Object.keys(xattrs)
    .sort()
    .map((key) => {
      const name = Buffer.from(key);
      return { offset: nameHash(name), data: encodeEntry(undefined, ATTRIBUTE_KIND, name, Buffer.from(xattrs[key] as string, 'base64')) };
    });
  return together(parts).map((item) => ({ ...item, kind: BTRFS_ITEM.attribute }));
}

/** In the order of their offsets; what has the same is in one item. */
function together(parts: readonly Part[]): Part[] {
  const sorted = [...parts].sort((a, b) => a.offset - b.offset);
  const items: Part[] = [];
  for (const { offset, data } of sorted) {
    const last = items.at(-1);
    if (last?.offset === offset) items[items.length - 1] = { offset, data: Buffer.concat([last.data, data]) };
    else items.push({ offset, data });
  }
  return items;
}

function extentFields(kind: number, ramBytes: number, restBytes: number): Buffer {
  const bytes = Buffer.alloc(EXTENT_FIELDS_BYTES + restBytes);
  writeU64(bytes, GENERATION, 0);
  writeU64(bytes, ramBytes, 8);
  bytes.writeUInt8(kind, 20);
  return bytes;
}

function encodeInline(content: Buffer): Buffer {
  const bytes = extentFields(BTRFS_EXTENT.inline, content.length, content.length);
  content.copy(bytes, EXTENT_FIELDS_BYTES);
  return bytes;
}

function encodeExtent({ first, at, count }: BlockExtent): Part {
  const size = count * SECTOR_BYTES;
  const data = extentFields(BTRFS_EXTENT.regular, size, 32);
  writeU64(data, at * SECTOR_BYTES, 21);
  writeU64(data, size, 29);
  writeU64(data, size, 45);
  return { offset: first * SECTOR_BYTES, data };
}
