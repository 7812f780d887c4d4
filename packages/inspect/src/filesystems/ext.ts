import { uuidText } from '@ict/image-parts';
import { fieldText, type Bytes } from '../bytes.js';
import { childPath, filesystemOver, nameText } from './filesystem-over.js';
import { parseAttributes, parseBlockOfAttributes } from './ext-attributes.js';
import { gathered, type FileEntry, type FilesystemSummary, type OpenedFilesystem, type ReadableFilesystem } from './filesystem.js';
import { attributesOf, requireSize, typeOf, unpackDevice } from './inode-fields.js';
import { MOST_DIRECTORY_BYTES } from './limits.js';
import { inPieces, nothing, zeros } from './pieces.js';

const SUPERBLOCK_AT = 1024;
const MAGIC = 0xef53;
const COMPAT_JOURNAL = 0x4;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_EXTENTS = 0x40;
const INCOMPAT_64BIT = 0x80;
const INCOMPAT_META_BG = 0x10;
const INCOMPAT_INLINE_DATA = 0x8000;
const INCOMPAT_FILETYPE = 0x2;
/** What every inode has; behind it are the rest of its fields, and attributes. */
const FIRST_FIELDS_BYTES = 128;
const EXTENTS_FLAG = 0x80000;
const ROOT_INODE = 2;
const EXTENT_MAGIC = 0xf30a;
const EXTENT_DEPTH = 5;
/** An extent of more blocks is one that was never written, and reads as zeros. */
const INITIALISED_BLOCKS = 32_768;
/** Blocks that an inode without extents names itself, and then those with one to three levels of tables. */
const DIRECT_BLOCKS = 12;
/** A target that is no longer lies in the inode. */
const SHORT_TARGET_BYTES = 60;

/** Blocks of a file that lie one behind the other; a hole has no place. */
interface Run {
  readonly logical: number;
  readonly blocks: number;
  readonly physical: number;
}

interface Layout {
  readonly blockBytes: number;
  readonly inodeBytes: number;
  readonly inodes: number;
  readonly inodesPerGroup: number;
  readonly descriptorBytes: number;
  readonly descriptorsAt: number;
}

/**
 * Reads an ext2, ext3 or ext4.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/ext4 of the kernel
 */
export async function openExt(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  if (bytes.sizeBytes < SUPERBLOCK_AT + 1024) return undefined;
  const block = await bytes.read(SUPERBLOCK_AT, 1024);
  if (block.readUInt16LE(0x38) !== MAGIC || block.readUInt32LE(0x18) > 6) return undefined;
  const [compat, incompat] = [block.readUInt32LE(0x5c), block.readUInt32LE(0x60)];
  const isWide = (incompat & INCOMPAT_64BIT) !== 0;
  const high = (at: number): number => (isWide ? block.readUInt32LE(at) * 2 ** 32 : 0);
  const blockBytes = 1024 << block.readUInt32LE(0x18);
  const label = fieldText(block, 0x78, 0x88);
  const summary: FilesystemSummary = {
    type: (incompat & INCOMPAT_EXTENTS) !== 0 ? 'ext4' : (compat & COMPAT_JOURNAL) !== 0 ? 'ext3' : 'ext2',
    ...(label === '' ? {} : { label }),
    id: uuidText(block.subarray(0x68, 0x78)),
    sizeBytes: (block.readUInt32LE(0x4) + high(0x150)) * blockBytes,
    freeBytes: (block.readUInt32LE(0xc) + high(0x158)) * blockBytes,
  };
  const unread = refusal(incompat);
  if (unread !== undefined) return { summary, unread };
  const layout: Layout = {
    blockBytes,
    inodeBytes: block.readUInt32LE(0x4c) === 0 ? 128 : block.readUInt16LE(0x58),
    inodes: block.readUInt32LE(0),
    inodesPerGroup: block.readUInt32LE(0x28),
    descriptorBytes: isWide ? Math.max(32, block.readUInt16LE(0xfe)) : 32,
    descriptorsAt: (block.readUInt32LE(0x14) + 1) * blockBytes,
  };
  if (layout.inodesPerGroup === 0 || layout.inodeBytes < 128) throw new RangeError(`the superblock of the ${summary.type} is damaged`);
  const pending = (incompat & INCOMPAT_RECOVER) === 0 ? {} : { pending: 'journal' as const };
  return { summary, files: await filesOf(bytes, layout), ...pending };
}

function refusal(incompat: number): string | undefined {
  if ((incompat & INCOMPAT_META_BG) !== 0) return 'descriptors of its groups lie in several places (meta_bg)';
  if ((incompat & INCOMPAT_INLINE_DATA) !== 0) return 'files of it may lie in their inodes (inline_data)';
  return (incompat & INCOMPAT_FILETYPE) === 0 ? 'its directories do not say what their names are (no filetype)' : undefined;
}

async function filesOf(bytes: Bytes, layout: Layout): Promise<ReadableFilesystem> {
  const inodes = new Inodes(bytes, layout);
  const root = await inodes.entry('/', ROOT_INODE);
  return filesystemOver(root, async function* (directory) {
    for await (const { name, inode } of inodes.names(directory)) yield await inodes.entry(childPath(directory, name), inode);
  });
}

/** The inodes of one filesystem, and what hangs on them. */
class Inodes {
  readonly #bytes: Bytes;
  readonly #layout: Layout;

  constructor(bytes: Bytes, layout: Layout) {
    this.#bytes = bytes;
    this.#layout = layout;
  }

  async entry(path: string, number: number): Promise<FileEntry> {
    const inode = await this.#read(number);
    const bits = inode.readUInt16LE(0);
    const type = typeOf(bits, path, number);
    const sizeBytes = inode.readUInt32LE(0x4) + inode.readUInt32LE(0x6c) * 2 ** 32;
    requireSize(path, type, sizeBytes);
    // A copy, as an entry would hold what was read with the inode.
    const fields = Buffer.from(inode.subarray(0, FIRST_FIELDS_BYTES));
    return {
      path,
      type,
      mode: bits & 0o7777,
      owner: inode.readUInt16LE(0x2) + inode.readUInt16LE(0x78) * 2 ** 16,
      group: inode.readUInt16LE(0x18) + inode.readUInt16LE(0x7a) * 2 ** 16,
      sizeBytes: type === 'file' || type === 'symlink' ? sizeBytes : 0,
      seconds: secondsOf(inode),
      inode: number,
      ...(type === 'symlink' ? { target: await this.#target(inode, sizeBytes) } : {}),
      ...(type === 'character' || type === 'block' ? { device: deviceOf(inode) } : {}),
      ...attributesOf(Object.entries(await this.#attributes(inode))),
      content: () => (type === 'file' ? this.#content(fields, sizeBytes) : nothing()),
    };
  }

  /** The names in a directory, without `.` and `..`. */
  async *names({ inode: number, path }: FileEntry): AsyncGenerator<{ readonly name: string; readonly inode: number }, void, undefined> {
    const inode = await this.#read(number);
    const sizeBytes = inode.readUInt32LE(0x4) + inode.readUInt32LE(0x6c) * 2 ** 32;
    if (sizeBytes > MOST_DIRECTORY_BYTES) throw new RangeError(`the directory ${path} is too large`);
    const { blockBytes } = this.#layout;
    const content = await gathered(this.#content(inode, sizeBytes));
    for (let start = 0; start < content.length; start += blockBytes) {
      const block = content.subarray(start, start + blockBytes);
      for (let at = 0; at + 8 <= block.length; ) {
        const [entry, length, nameBytes] = [block.readUInt32LE(at), block.readUInt16LE(at + 4), block.readUInt8(at + 6)];
        if (length < 8 || at + length > block.length) throw new RangeError(`the directory ${path} is damaged`);
        const name = nameText(block.subarray(at + 8, at + 8 + nameBytes));
        // An entry without inode is free, or has the hashes of others.
        if (entry !== 0 && name !== '.' && name !== '..') yield { name, inode: entry };
        at += length;
      }
    }
  }

  async #read(number: number): Promise<Buffer> {
    const { inodes, inodesPerGroup, inodeBytes, descriptorBytes, descriptorsAt, blockBytes } = this.#layout;
    if (number < 1 || number > inodes) throw new RangeError(`there is no inode ${number}`);
    const group = Math.floor((number - 1) / inodesPerGroup);
    const descriptor = await this.#bytes.read(descriptorsAt + group * descriptorBytes, descriptorBytes);
    const table = descriptor.readUInt32LE(0x8) + (descriptorBytes >= 64 ? descriptor.readUInt32LE(0x28) * 2 ** 32 : 0);
    return this.#bytes.read(table * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes, inodeBytes);
  }

  async #target(inode: Buffer, sizeBytes: number): Promise<string> {
    if (sizeBytes < SHORT_TARGET_BYTES) return nameText(inode.subarray(0x28, 0x28 + sizeBytes));
    return nameText(await gathered(this.#content(inode, Math.min(sizeBytes, this.#layout.blockBytes))));
  }

  async #attributes(inode: Buffer): Promise<Readonly<Record<string, string>>> {
    const at = inode.readUInt32LE(0x68) + inode.readUInt16LE(0x76) * 2 ** 32;
    const extra = inode.length > 128 ? 128 + inode.readUInt16LE(0x80) : inode.length;
    const { blockBytes } = this.#layout;
    return {
      ...(extra + 4 <= inode.length ? parseAttributes(inode.subarray(extra)) : {}),
      ...(at === 0 ? {} : parseBlockOfAttributes(await this.#bytes.read(at * blockBytes, blockBytes))),
    };
  }

  async *#content(inode: Buffer, sizeBytes: number): AsyncGenerator<Buffer, void, undefined> {
    const { blockBytes } = this.#layout;
    let at = 0;
    for await (const { logical, blocks, physical } of this.#runs(inode, Math.ceil(sizeBytes / blockBytes))) {
      const start = logical * blockBytes;
      yield* zeros(Math.min(start, sizeBytes) - at);
      at = Math.min(start + blocks * blockBytes, sizeBytes);
      yield* inPieces(this.#bytes, physical * blockBytes, at - start);
    }
    yield* zeros(sizeBytes - at);
  }

  /** What a file has, in its order; holes are left out. */
  #runs(inode: Buffer, blocks: number): AsyncGenerator<Run, void, undefined> {
    const map = inode.subarray(0x28, 0x28 + 60);
    return (inode.readUInt32LE(0x20) & EXTENTS_FLAG) !== 0 ? this.#extents(map, EXTENT_DEPTH) : this.#mapped(map, blocks);
  }

  /** @param met how far extents led so far: each leads further, so that no node is met twice. */
  async *#extents(node: Buffer, deepest: number, met = { blocks: 0 }): AsyncGenerator<Run, void, undefined> {
    const [magic, count, depth] = [node.readUInt16LE(0), node.readUInt16LE(2), node.readUInt16LE(6)];
    const isEmpty = count === 0 && deepest < EXTENT_DEPTH;
    if (magic !== EXTENT_MAGIC || depth > deepest || isEmpty || 12 + count * 12 > node.length) throw damagedExtents();
    const { blockBytes } = this.#layout;
    for (let index = 0; index < count; index++) {
      const entry = node.subarray(12 + index * 12, 24 + index * 12);
      if (depth > 0) {
        const below = entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32;
        yield* this.#extents(await this.#bytes.read(below * blockBytes, blockBytes), depth - 1, met);
        continue;
      }
      const [logical, length] = [entry.readUInt32LE(0), entry.readUInt16LE(4)];
      const blocks = length > INITIALISED_BLOCKS ? length - INITIALISED_BLOCKS : length;
      if (blocks === 0 || logical < met.blocks) throw damagedExtents();
      met.blocks = logical + blocks;
      if (length <= INITIALISED_BLOCKS) yield { logical, blocks, physical: entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32 };
    }
  }

  async *#mapped(map: Buffer, blocks: number): AsyncGenerator<Run, void, undefined> {
    for (let index = 0; index < Math.min(DIRECT_BLOCKS, blocks); index++) {
      const physical = map.readUInt32LE(index * 4);
      if (physical !== 0) yield { logical: index, blocks: 1, physical };
    }
    const perTable = this.#layout.blockBytes / 4;
    let logical = DIRECT_BLOCKS;
    for (let level = 1; level <= 3 && logical < blocks; level++) {
      yield* this.#table(map.readUInt32LE((DIRECT_BLOCKS + level - 1) * 4), level, logical, blocks);
      logical += perTable ** level;
    }
  }

  async *#table(at: number, level: number, first: number, blocks: number): AsyncGenerator<Run, void, undefined> {
    if (at === 0) return;
    const { blockBytes } = this.#layout;
    const table = await this.#bytes.read(at * blockBytes, blockBytes);
    const step = (blockBytes / 4) ** (level - 1);
    for (let index = 0; index < blockBytes / 4; index++) {
      const logical = first + index * step;
      if (logical >= blocks) return;
      const physical = table.readUInt32LE(index * 4);
      if (level > 1) yield* this.#table(physical, level - 1, logical, blocks);
      else if (physical !== 0) yield { logical, blocks: 1, physical };
    }
  }
}

function damagedExtents(): RangeError {
  return new RangeError('an extent tree is damaged');
}

/** Modification: 32 bits, and two above them in inodes that have room. */
function secondsOf(inode: Buffer): number {
  const extra = inode.length > 128 && inode.readUInt16LE(0x80) >= 0x8c - 0x80 ? inode.readUInt32LE(0x88) & 3 : 0;
  return inode.readInt32LE(0x10) + extra * 2 ** 32;
}

function deviceOf(inode: Buffer): readonly [number, number] {
  const old = inode.readUInt32LE(0x28);
  if (old !== 0) return [(old >> 8) & 0xff, old & 0xff];
  return unpackDevice(inode.readUInt32LE(0x2c));
}
