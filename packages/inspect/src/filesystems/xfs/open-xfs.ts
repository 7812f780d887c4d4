import { XFS_BLOCK, XFS_FORMAT, XFS_HEADER, XFS_HEADER_BYTES, XFS_MINORS } from '@ict/image-parts';
import { partOf, type Bytes } from '../../bytes.js';
import type { FileEntry, OpenedFilesystem } from '../filesystem.js';
import { childPath, filesystemOver, nameText } from '../filesystem-over.js';
import { attributesOf, requireSize, typeOf } from '../inode-fields.js';
import { MOST_DIRECTORY_BYTES } from '../limits.js';
import { nothing } from '../pieces.js';
import { remembering } from '../../remembering.js';
import { Attributes } from './attributes.js';
import { namesIn, shortNames, type DirectoryName } from './directory.js';
import { Extents } from './extents.js';
import { decodeInode, type Inode } from './inode.js';
import { endsWithUnmounting } from './log.js';
import { placeOfBlocks, placeOfInode, requireDescribed } from './places.js';
import { readSuperblock, type Superblock } from './superblock.js';

/** So many inodes whose attributes have blocks of their own. */
const KEPT_INODES = 16;
/** By which a directory names itself and the one above it, where it does. */
const OWN_NAMES: readonly string[] = ['.', '..'];

/**
 * Reads an xfs of version 5.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/xfs of the kernel
 */
export async function openXfs(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  const found = await readSuperblock(bytes);
  if (found === undefined) return undefined;
  const { summary, superblock } = found;
  if (typeof superblock === 'string') return { summary, unread: superblock };
  const inodes = new Inodes(bytes, superblock);
  const root = await inodes.entry('/', superblock.root);
  if (root.type !== 'directory') throw new RangeError('the root of the xfs is no directory');
  const pending = (await isPending(bytes, superblock)) ? { pending: 'log' as const } : {};
  return { summary, files: filesystemOver(root, (directory) => inodes.children(directory)), ...pending };
}

async function isPending(bytes: Bytes, superblock: Superblock): Promise<boolean> {
  const { start, blocks } = superblock.log;
  if (start === 0) return false;
  const log = partOf(bytes, placeOfBlocks(superblock, start, blocks), blocks * superblock.blockBytes);
  return !(await endsWithUnmounting(log));
}

/** The inodes of one filesystem, and what hangs on them. */
class Inodes {
  readonly #bytes: Bytes;
  readonly #superblock: Superblock;
  readonly #extents: Extents;
  readonly #attributes: Attributes;
  /** By the number of an inode: where parents are stored, one with many names has many, and each name would have them read again. */
  readonly #distantAttributes: (number: number) => Promise<Pick<FileEntry, 'attributes'>>;

  constructor(bytes: Bytes, superblock: Superblock) {
    this.#bytes = bytes;
    this.#superblock = superblock;
    this.#extents = new Extents(bytes, superblock);
    this.#attributes = new Attributes(bytes, superblock.blockBytes, this.#extents);
    this.#distantAttributes = remembering(KEPT_INODES, async (number) => attributesOf(await this.#attributes.of(await this.#read(number))));
  }

  async entry(path: string, number: number): Promise<FileEntry> {
    const inode = await this.#read(number);
    const { bits, owner, group, sizeBytes, seconds, content } = inode;
    const type = typeOf(bits, path, number);
    requireSize(path, type, sizeBytes);
    return {
      ...{ path, type, mode: bits & 0o7777, owner, group, seconds, inode: number },
      sizeBytes: type === 'file' || type === 'symlink' ? sizeBytes : 0,
      ...(type === 'symlink' ? { target: nameText(await this.#target(inode)) } : {}),
      ...(type === 'character' || type === 'block' ? { device: deviceOf(content.room.readUInt32BE(0)) } : {}),
      ...((inode.attributes?.extents ?? 0) > 0 ? await this.#distantAttributes(number) : attributesOf(await this.#attributes.of(inode))),
      content: () => (type === 'file' ? this.#content(number) : nothing()),
    };
  }

  async *children(directory: FileEntry): AsyncGenerator<FileEntry, void, undefined> {
    for await (const { name, inode } of this.#names(directory)) {
      const text = nameText(name);
      if (!OWN_NAMES.includes(text)) yield await this.entry(childPath(directory, text), inode);
    }
  }

  async #read(number: number): Promise<Inode> {
    const { inodeBytes } = this.#superblock;
    return decodeInode(await this.#bytes.read(placeOfInode(this.#superblock, number), inodeBytes), number);
  }

  async *#content(number: number): AsyncGenerator<Buffer, void, undefined> {
    const { content, sizeBytes } = await this.#read(number);
    yield* this.#extents.content(content, number, sizeBytes);
  }

  async *#names({ path, inode: number }: FileEntry): AsyncGenerator<DirectoryName, void, undefined> {
    const inode = await this.#read(number);
    if (inode.sizeBytes > MOST_DIRECTORY_BYTES) throw new RangeError(`the directory ${path} is too large`);
    if (inode.content.format === XFS_FORMAT.local) yield* shortNames(inode.content.room.subarray(0, inode.sizeBytes));
    else for await (const block of this.#nameBlocks(inode)) yield* namesIn(block);
  }

  /** The blocks of names of a directory, each of which may consist of several; what finds names by their hashes is behind them. */
  async *#nameBlocks({ number, sizeBytes, content }: Inode): AsyncGenerator<Buffer, void, undefined> {
    const { blockBytes, directoryBytes } = this.#superblock;
    const each = directoryBytes / blockBytes;
    const parts: Buffer[] = [];
    let [start, met] = [0, 0];
    for await (const { logical, blocks, at } of this.#extents.of(content, number)) {
      for (let index = 0; index < blocks && (logical + index) * blockBytes < sizeBytes; index++) {
        const place = at + index * blockBytes;
        if ((logical + index) % each !== parts.length) throw damagedNames(number);
        if (parts.length === 0) start = place;
        parts.push(await this.#bytes.read(place, blockBytes));
        if (parts.length < each) continue;
        const block = Buffer.concat(parts.splice(0));
        requireDescribed(block, XFS_HEADER.names, start, number);
        yield block;
        met++;
      }
    }
    if (parts.length > 0 || met === 0) throw damagedNames(number);
  }

  /** @see xfs_dsymlink_hdr in fs/xfs/libxfs/xfs_format.h of the kernel: there is one for all blocks that lie one behind the other */
  async #target({ number, sizeBytes, content }: Inode): Promise<Buffer> {
    if (content.format === XFS_FORMAT.local && sizeBytes <= content.room.length) return content.room.subarray(0, sizeBytes);
    const { blockBytes } = this.#superblock;
    const parts: Buffer[] = [];
    let read = 0;
    for await (const { blocks, at } of this.#extents.of(content, number)) {
      const left = sizeBytes - read;
      const needed = Math.ceil(left / (blockBytes - XFS_HEADER_BYTES.bytes));
      const block = await this.#bytes.read(at, Math.min(blocks, needed) * blockBytes);
      requireDescribed(block, XFS_HEADER.bytes, at, number);
      const part = block.subarray(XFS_HEADER_BYTES.bytes, XFS_HEADER_BYTES.bytes + left);
      const isNext = block.readUInt32BE(4) === read && block.readUInt32BE(8) === part.length;
      if (block.toString('latin1', 0, 4) !== XFS_BLOCK.target || !isNext) break;
      parts.push(part);
      read += part.length;
      if (read === sizeBytes) return Buffer.concat(parts);
    }
    throw new RangeError(`inode ${number} of the xfs is damaged: the target of a link`);
  }
}

function damagedNames(number: number): RangeError {
  return new RangeError(`inode ${number} of the xfs is damaged: its blocks of names`);
}

function deviceOf(number: number): readonly [major: number, minor: number] {
  return [Math.floor(number / XFS_MINORS), number % XFS_MINORS];
}
