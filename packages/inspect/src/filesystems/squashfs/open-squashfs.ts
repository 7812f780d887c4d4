import { readWide, type Bytes } from '../../bytes.js';
import { decompressBlock } from '../decompress-block.js';
import type { FileEntry, OpenedFilesystem } from '../filesystem.js';
import { childPath, filesystemOver, nameText } from '../filesystem-over.js';
import { attributesOf, requireSize, unpackDevice } from '../inode-fields.js';
import { MOST_ATTRIBUTE_BYTES, MOST_ATTRIBUTES, MOST_LISTING_BYTES } from '../limits.js';
import { nothing, zeros } from '../pieces.js';
import { remembering } from '../../remembering.js';
import { decodeInode, NONE, type Inode } from './inode.js';
import { Metadata, type MetadataPlace } from './metadata.js';
import { readSuperblock, type Superblock } from './superblock.js';

const KEPT_FRAGMENTS = 4;
const FRAGMENT_BYTES = 16;
const ID_BYTES = 4;
const ATTRIBUTE_ID_BYTES = 16;
/** Of a size: the block is not compressed. */
const PLAIN_FLAG = 0x100_0000;
/** What the size of a directory counts of `.` and `..`, which are not in it. */
const DOTS_BYTES = 3;
const PREFIXES = ['user.', 'trusted.', 'security.'];
const VALUE_ELSEWHERE = 0x100;

interface SquashfsEntry extends FileEntry {
  readonly fields: Inode;
}

/**
 * Reads a squashfs.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of the kernel
 */
export async function openSquashfs(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  const found = await readSuperblock(bytes);
  if (found === undefined) return undefined;
  const { summary, superblock } = found;
  if (typeof superblock === 'string') return { summary, unread: superblock };
  const image = new Squashfs(bytes, superblock);
  const root = await image.entry('/', superblock.root);
  if (root.type !== 'directory') throw new RangeError('the root of the squashfs is no directory');
  return { summary, files: filesystemOver(root, (directory) => image.children(directory as SquashfsEntry)) };
}

class Squashfs {
  readonly #bytes: Bytes;
  readonly #superblock: Superblock;
  readonly #metadata: Metadata;
  readonly #fragmentOf: (index: number) => Promise<Buffer>;

  constructor(bytes: Bytes, superblock: Superblock) {
    const { compression, fragments, fragmentTable, blockBytes } = superblock;
    this.#bytes = bytes;
    this.#superblock = superblock;
    this.#metadata = new Metadata(bytes, (block, most) => decompressBlock(compression, block, most));
    this.#fragmentOf = remembering(KEPT_FRAGMENTS, async (index) => {
      if (fragmentTable === undefined || index >= fragments) throw new RangeError(`there is no fragment ${index}`);
      const entry = await this.#metadata.entry(fragmentTable, index, FRAGMENT_BYTES);
      return this.#block(readWide(entry, 0), entry.readUInt32LE(8), blockBytes);
    });
  }

  /** @param place of its inode, in the table of them. */
  async entry(path: string, { block, offset }: MetadataPlace): Promise<SquashfsEntry> {
    const { inodeTable } = this.#superblock;
    const fields = await decodeInode(this.#metadata.from({ block: inodeTable + block, offset }), this.#superblock.blockBytes);
    if (fields === undefined) throw new RangeError(`${path} has an inode of an unknown kind`);
    const { type, sizeBytes, device, target, attributes, ...common } = fields;
    requireSize(path, type, sizeBytes);
    return {
      ...{ path, type, mode: common.mode, owner: await this.#id(common.owner), group: await this.#id(common.group) },
      ...{ sizeBytes: type === 'directory' ? 0 : sizeBytes, seconds: common.seconds, inode: common.number },
      ...(target === undefined ? {} : { target }),
      ...(device === undefined ? {} : { device: unpackDevice(device) }),
      ...(attributes === NONE ? {} : attributesOf(await this.#attributes(attributes))),
      content: () => (type === 'file' ? this.#content(fields) : nothing()),
      fields,
    };
  }

  /** @see squashfs_dir_header and squashfs_dir_entry in fs/squashfs/squashfs_fs.h of the kernel */
  async *children(directory: SquashfsEntry): AsyncGenerator<SquashfsEntry, void, undefined> {
    const { sizeBytes, place } = directory.fields;
    if (sizeBytes > MOST_LISTING_BYTES) throw new RangeError(`the directory ${directory.path} is too large`);
    const listing = this.#metadata.from({ block: this.#superblock.directoryTable + place.block, offset: place.offset });
    for (let left = sizeBytes - DOTS_BYTES; left > 0; ) {
      const header = await listing.take(12);
      left -= header.length;
      const block = header.readUInt32LE(4);
      for (let more = header.readUInt32LE(0); more >= 0 && left > 0; more--) {
        const fixed = await listing.take(8);
        const name = await listing.take(fixed.readUInt16LE(6) + 1);
        left -= fixed.length + name.length;
        yield await this.entry(childPath(directory, nameText(name)), { block, offset: fixed.readUInt16LE(0) });
      }
    }
  }

  async #id(index: number): Promise<number> {
    const { ids, idTable } = this.#superblock;
    if (index >= ids) throw new RangeError(`there is no owner ${index}`);
    return (await this.#metadata.entry(idTable, index, ID_BYTES)).readUInt32LE(0);
  }

  /** @see squashfs_xattr_id_table and squashfs_xattr_entry in fs/squashfs/squashfs_fs.h of the kernel */
  async #attributes(index: number): Promise<readonly [string, string][]> {
    const { attributeTable } = this.#superblock;
    if (attributeTable === undefined) throw new RangeError('there are no extended attributes');
    const table = await this.#bytes.read(attributeTable, 16);
    const start = readWide(table, 0);
    if (index >= table.readUInt32LE(8)) throw new RangeError(`there are no extended attributes ${index}`);
    const set = await this.#metadata.entry(attributeTable + table.length, index, ATTRIBUTE_ID_BYTES);
    const count = set.readUInt32LE(8);
    if (count > MOST_ATTRIBUTES) throw new RangeError(`a file has ${count} extended attributes`);
    const placeAt = (reference: Buffer): MetadataPlace => ({
      block: start + reference.readUIntLE(2, 6),
      offset: reference.readUInt16LE(0),
    });
    const reader = this.#metadata.from(placeAt(set));
    const valueAt = async (at: typeof reader): Promise<Buffer> => {
      const length = (await at.take(4)).readUInt32LE(0);
      if (length > MOST_ATTRIBUTE_BYTES) throw new RangeError(`an extended attribute has ${length} bytes`);
      return at.take(length);
    };
    const found: [string, string][] = [];
    while (found.length < count) {
      const fixed = await reader.take(4);
      const kind = fixed.readUInt16LE(0);
      const name = `${PREFIXES[kind & 0xff] ?? ''}${nameText(await reader.take(fixed.readUInt16LE(2)))}`;
      const value = await valueAt(reader);
      const own = (kind & VALUE_ELSEWHERE) === 0 ? value : await valueAt(this.#metadata.from(placeAt(value)));
      found.push([name, own.toString('hex')]);
    }
    return found;
  }

  async *#content({ sizeBytes, start, blocks, fragment, place }: Inode): AsyncGenerator<Buffer, void, undefined> {
    const { blockBytes } = this.#superblock;
    const list = this.#metadata.from(place);
    let [at, left] = [start, sizeBytes];
    for (let index = 0; index < blocks; index++) {
      const size = (await list.take(4)).readUInt32LE(0);
      const length = Math.min(left, blockBytes);
      left -= length;
      if (size === 0) yield* zeros(length);
      else {
        const block = await this.#block(at, size, length);
        if (block.length !== length) throw new RangeError('a block of a file is too short');
        yield block;
      }
      at += size & ~PLAIN_FLAG;
    }
    if (left === 0) return;
    const tail = (await this.#fragmentOf(fragment.index)).subarray(fragment.offset, fragment.offset + left);
    if (tail.length !== left) throw new RangeError('the end of a file is too short');
    yield tail;
  }

  /** @param size how much is stored, with a flag. @param most how much it is when it is not compressed. */
  async #block(at: number, size: number, most: number): Promise<Buffer> {
    const { blockBytes, compression } = this.#superblock;
    const length = size & ~PLAIN_FLAG;
    if (length > blockBytes) throw new RangeError(`a block has ${length} bytes`);
    const stored = await this.#bytes.read(at, length);
    return (size & PLAIN_FLAG) !== 0 ? stored : decompressBlock(compression, stored, most);
  }
}
