import { readWide, type Bytes } from '../../bytes.js';
import { gathered, type FileEntry, type OpenedFilesystem } from '../filesystem.js';
import { childPath, filesystemOver, nameText } from '../filesystem-over.js';
import { attributesOf, requireSize, typeOf, unpackDevice } from '../inode-fields.js';
import { MOST_LISTING_BYTES } from '../limits.js';
import { nothing } from '../pieces.js';
import { readAttributes } from './attributes.js';
import { contentOf } from './file-content.js';
import { readInode, type Inode } from './inode.js';
import { readSuperblock, type Superblock } from './superblock.js';

const NAME_ENTRY_BYTES = 12;

interface ErofsEntry extends FileEntry {
  readonly fields: Inode;
}

/**
 * Reads an erofs.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see Documentation/filesystems/erofs.rst of the kernel
 */
export async function openErofs(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  const found = await readSuperblock(bytes);
  if (found === undefined) return undefined;
  const { summary, superblock } = found;
  if (typeof superblock === 'string') return { summary, unread: superblock };
  const root = await entryOf(bytes, superblock, '/', superblock.root);
  if (root.type !== 'directory') throw new RangeError('the root of the erofs is no directory');
  return { summary, files: filesystemOver(root, (directory) => childrenOf(bytes, superblock, directory as ErofsEntry)) };
}

async function entryOf(bytes: Bytes, superblock: Superblock, path: string, number: number): Promise<ErofsEntry> {
  const fields = await readInode(bytes, superblock, number);
  const { mode, owner, group, sizeBytes, seconds, union } = fields;
  const type = typeOf(mode, path, number);
  requireSize(path, type, sizeBytes);
  const content = (): AsyncGenerator<Buffer, void, undefined> => contentOf(bytes, superblock, fields);
  return {
    ...{ path, type, mode: mode & 0o7777, owner, group, seconds, inode: number },
    sizeBytes: type === 'file' || type === 'symlink' ? sizeBytes : 0,
    ...(type === 'symlink' ? { target: nameText(await gathered(content())) } : {}),
    ...(type === 'character' || type === 'block' ? { device: unpackDevice(union) } : {}),
    ...attributesOf(await readAttributes(bytes, superblock, fields)),
    content: type === 'file' ? content : nothing,
    fields,
  };
}

/** @see erofs_dirent in fs/erofs/erofs_fs.h of the kernel */
async function* childrenOf(bytes: Bytes, superblock: Superblock, directory: ErofsEntry): AsyncGenerator<ErofsEntry, void, undefined> {
  const { path, fields } = directory;
  if (fields.sizeBytes > MOST_LISTING_BYTES) throw new RangeError(`the directory ${path} is too large`);
  const listing = await gathered(contentOf(bytes, superblock, fields));
  for (let start = 0; start < listing.length; start += superblock.blockBytes) {
    const block = listing.subarray(start, start + superblock.blockBytes);
    for (const { name, number } of namesIn(block, path))
      if (name !== '.' && name !== '..') yield await entryOf(bytes, superblock, childPath(directory, name), number);
  }
}

/** Fixed parts of all names, and behind those the names themselves, up to where the next begins. */
function* namesIn(block: Buffer, path: string): Generator<{ readonly name: string; readonly number: number }, void, undefined> {
  const first = block.readUInt16LE(8);
  if (first < NAME_ENTRY_BYTES || first % NAME_ENTRY_BYTES !== 0 || first > block.length)
    throw new RangeError(`the directory ${path} is damaged`);
  for (let at = 0; at < first; at += NAME_ENTRY_BYTES) {
    const start = block.readUInt16LE(at + 8);
    const end = at + NAME_ENTRY_BYTES < first ? block.readUInt16LE(at + NAME_ENTRY_BYTES + 8) : block.length;
    if (start < first || end <= start || end > block.length) throw new RangeError(`the directory ${path} is damaged`);
    const zero = block.indexOf(0, start);
    yield { name: nameText(block.subarray(start, zero === -1 ? end : Math.min(zero, end))), number: readWide(block, at) };
  }
}
