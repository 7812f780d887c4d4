import { open, type FileHandle } from 'node:fs/promises';
import { BTRFS_ITEM, BTRFS_OBJECT, crc32c, uuidBytes, writeU64, type Unsigned } from '@ict/image-parts';
import { cutExtents } from '../cut-extents.js';
import { blocksOf } from '../free-blocks.js';
import { ImageFile } from '../image-file.js';
import type { PackContents, TreeWriting, TreeWritten } from '../tree-writing.js';
import { dataChunks, dataRanges, joinRanges, LARGEST_EXTENT, SUPERBLOCKS, type DeviceIdentity, type Range } from './chunks.js';
import { emptyTree, fileItems, refusal } from './file-tree.js';
import { SECTOR_BYTES } from './constants.js';
import type { Item } from './item.js';
import { planInodes } from './inode-plan.js';
import { rootItems, type Root } from './root-tree.js';
import { encodeSuperblock, placesOf } from './superblock.js';
import { encodeTree, shapeTree } from './tree-blocks.js';
import { layOutTrees } from './tree-layout.js';

/** Sectors whose checksums are in one item. */
const CHECKSUMS_TOGETHER = 1024;
const READ_BYTES = CHECKSUMS_TOGETHER * SECTOR_BYTES;

export interface BtrfsRequest extends TreeWriting {
  readonly identity: DeviceIdentity;
  /** UUID of the subvolume that all files are in. */
  readonly subvolume: string;
}

/**
 * Writes a btrfs on one device with a tree's files: metadata twice, contents once, nothing compressed, all in one subvolume. The bytes are a
 * function of the request and the contents alone.
 *
 * @see include/uapi/linux/btrfs_tree.h of the kernel
 */
export async function writeBtrfs(request: BtrfsRequest, pack: PackContents, signal: AbortSignal): Promise<TreeWritten> {
  const { records, root, epochSeconds, file, offsetBytes, identity } = request;
  const deviceBytes = Math.floor(request.sizeBytes / SECTOR_BYTES) * SECTOR_BYTES;
  const inodes = planInodes(records, root, epochSeconds);
  if (typeof inodes === 'string') return { kind: 'refused', path: inodes, reason: 'is no directory' };
  for (const inode of inodes) {
    const reason = refusal(inode);
    if (reason !== undefined) return { kind: 'refused', path: inode.record.path, reason };
  }
  const free = dataRanges(deviceBytes);
  const packed = inodes.filter(({ record }) => record.type === 'file' && record.sizeBytes !== 0);
  const packing = await pack(
    packed.map(({ record }) => record.path),
    { file, offsetBytes, blockBytes: SECTOR_BYTES, free },
  );
  const full = (neededBytes: number): TreeWritten => ({ kind: 'full', neededBytes, files: inodes.length });
  if (packing.kind === 'full') {
    const lacking = packing.blocks - blocksOf(free);
    return full(deviceBytes + lacking * SECTOR_BYTES + inodes.length * 2 * 1024);
  }
  const dataEnd = SECTOR_BYTES * packing.extents.flat().reduce((end, { at, count }) => Math.max(end, at + count), 0);
  const borders = dataChunks(dataEnd).map(({ end }) => end / SECTOR_BYTES);
  const contents = new Map(packed.map((inode, index) => [inode, cutExtents(packing.extents[index] ?? [], LARGEST_EXTENT, borders)]));

  await using image = await open(file, 'r');
  const used = [...contents.values()].flat().map(({ at, count }) => ({ start: at * SECTOR_BYTES, end: (at + count) * SECTOR_BYTES }));
  const taken = joinRanges(used);
  const trees = {
    files: shapeTree(fileItems(inodes, contents, epochSeconds)),
    relocation: shapeTree(emptyTree(BTRFS_OBJECT.firstFile, epochSeconds)),
    checksums: shapeTree(await checksumItems(image, offsetBytes, taken, signal)),
    uuids: shapeTree([subvolumeItem(request.subvolume)]),
  };
  const extents = [...contents].flatMap(([{ number }, ofFile]) => ofFile.map((extent) => ({ ...extent, file: number })));
  const layout = layOutTrees({ identity, deviceBytes, dataEnd, extents, taken, ...trees });
  if (layout.kind === 'full') return full(layout.neededBytes);
  const { chunks, usedBytes } = layout;
  using target = new ImageFile(file, offsetBytes, SECTOR_BYTES);
  const roots = new Map<Unsigned, Root>();
  for (const { owner, shape, places } of layout.trees) {
    // That of the roots comes last, when all others have their places.
    const filled = owner === BTRFS_OBJECT.root ? shapeTree(rootItems(roots, request)) : shape;
    const blocks = encodeTree(owner, filled, places, identity);
    for (const { at, bytes } of blocks) for (const place of placesOf(at, chunks)) target.write(place / SECTOR_BYTES, bytes);
    roots.set(owner, { at: places.at(-1) as number, level: filled.levels.length - 1, blocks: filled.blocks });
  }
  const fields = { identity, label: request.label, deviceBytes, usedBytes, chunks };
  const tops = { root: roots.get(BTRFS_OBJECT.root) as Root, chunkRoot: roots.get(BTRFS_OBJECT.chunks) as Root };
  for (const at of SUPERBLOCKS) {
    if (at + SECTOR_BYTES <= deviceBytes) target.write(at / SECTOR_BYTES, encodeSuperblock({ ...fields, ...tops }, at));
  }
  target.flush();
  return { kind: 'written' };
}

async function checksumItems(image: FileHandle, offsetBytes: number, used: readonly Range[], signal: AbortSignal): Promise<Item[]> {
  const piece = Buffer.allocUnsafeSlow(READ_BYTES);
  const items: Item[] = [];
  for (const { start, end } of used) {
    for (let at = start; at < end; at += READ_BYTES) {
      signal.throwIfAborted();
      const size = Math.min(READ_BYTES, end - at);
      for (let done = 0; done < size; ) {
        const { bytesRead } = await image.read(piece, done, size - done, offsetBytes + at + done);
        if (bytesRead === 0) throw new RangeError('the disk image ends inside the filesystem');
        done += bytesRead;
      }
      const data = Buffer.alloc((size / SECTOR_BYTES) * 4);
      for (let sector = 0; sector * SECTOR_BYTES < size; sector++) {
        const from = sector * SECTOR_BYTES;
        data.writeUInt32LE((crc32c(piece, undefined, from, from + SECTOR_BYTES) ^ 0xffff_ffff) >>> 0, sector * 4);
      }
      items.push({ object: BTRFS_OBJECT.checksum, kind: BTRFS_ITEM.checksums, offset: at, data });
    }
  }
  return items;
}

function subvolumeItem(uuid: string): Item {
  const bytes = Buffer.from(uuidBytes(uuid));
  const data = Buffer.alloc(8);
  writeU64(data, BTRFS_OBJECT.files, 0);
  return { object: bytes.readBigUInt64LE(0), kind: BTRFS_ITEM.subvolumeUuid, offset: bytes.readBigUInt64LE(8), data };
}
