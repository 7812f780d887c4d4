import { BTRFS_ITEM, BTRFS_OBJECT, FILE_TYPE_BITS, uuidBytes, writeU64, type Unsigned } from '@ict/image-parts';
import { encodeEntry, encodeReference, nameHash } from './file-tree.js';
import { GENERATION, NODE_BYTES } from './constants.js';
import type { Item } from './item.js';
import { encodeInode } from './inode-item.js';

/** Where a tree starts, and how much it takes. */
export interface Root {
  readonly at: number;
  readonly level: number;
  readonly blocks: number;
}

const ROOT_ITEM_BYTES = 439;
const DIRECTORY_ENTRY = 2;
/** The name by which the subvolume is found that is mounted when none is named. */
const DEFAULT = Buffer.from('default');
const NOWHERE: Root = { at: 0, level: 0, blocks: 0 };

/** The tree that names all others. Its items have the same sizes before any of them has its place. */
export function rootItems(
  roots: ReadonlyMap<Unsigned, Root>,
  { subvolume, epochSeconds }: { readonly subvolume: string; readonly epochSeconds: number },
): Item[] {
  const root = (object: Unsigned): Item => rootItem(object, roots.get(object) ?? NOWHERE, subvolume, epochSeconds);
  const directory = encodeInode({
    ...{ mode: FILE_TYPE_BITS.directory | 0o755, links: 1, sizeBytes: 0, diskBytes: NODE_BYTES, seconds: epochSeconds },
  });
  const object = BTRFS_OBJECT.rootDirectory;
  const target = { object: BTRFS_OBJECT.files, kind: BTRFS_ITEM.root, offset: -1 };
  return [
    root(BTRFS_OBJECT.extents),
    root(BTRFS_OBJECT.devices),
    { object: BTRFS_OBJECT.files, kind: BTRFS_ITEM.inodeReference, offset: object, data: encodeReference(0, DEFAULT) },
    root(BTRFS_OBJECT.files),
    { object, kind: BTRFS_ITEM.inode, offset: 0, data: directory },
    { object, kind: BTRFS_ITEM.inodeReference, offset: object, data: encodeReference(0, Buffer.from('..')) },
    { object, kind: BTRFS_ITEM.directoryName, offset: nameHash(DEFAULT), data: encodeEntry(target, DIRECTORY_ENTRY, DEFAULT) },
    root(BTRFS_OBJECT.checksums),
    root(BTRFS_OBJECT.uuids),
    root(BTRFS_OBJECT.freeSpace),
    root(BTRFS_OBJECT.relocation),
  ];
}

/** @see btrfs_root_item in include/uapi/linux/btrfs_tree.h of the kernel */
function rootItem(object: Unsigned, { at, level, blocks }: Root, subvolume: string, seconds: number): Item {
  const hasFiles = object === BTRFS_OBJECT.files || object === BTRFS_OBJECT.relocation;
  const mode = FILE_TYPE_BITS.directory | 0o755;
  const data = Buffer.alloc(ROOT_ITEM_BYTES);
  encodeInode({ mode, links: 1, sizeBytes: 3, diskBytes: NODE_BYTES, seconds: 0 }).copy(data);
  writeU64(data, GENERATION, 160);
  writeU64(data, hasFiles ? BTRFS_OBJECT.firstFile : 0, 168);
  writeU64(data, at, 176);
  writeU64(data, blocks * NODE_BYTES, 192);
  data.writeUInt32LE(1, 216);
  data.writeUInt8(level, 238);
  writeU64(data, GENERATION, 239);
  if (object === BTRFS_OBJECT.files) {
    data.set(uuidBytes(subvolume), 247);
    for (const time of [327, 339]) writeU64(data, seconds, time);
  }
  return { object, kind: BTRFS_ITEM.root, offset: 0, data };
}
