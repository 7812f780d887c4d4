import type { Bytes } from '../../bytes.js';
import { inPieces, zeros } from '../pieces.js';
import { compressedContent } from './compressed-content.js';
import type { Inode } from './inode.js';
import type { Superblock } from './superblock.js';

/** Of the form of chunks: how many blocks each has, as a power of two, and whether their places are indexes. */
const CHUNK_BITS = 0x1f;
const INDEXES = 0x20;
const HOLE = 0xffff_ffff;

/** Content of a file, directory or link. Whatever is damaged is a RangeError. @see Documentation/filesystems/erofs.rst of the kernel */
export function contentOf(bytes: Bytes, superblock: Superblock, inode: Inode): AsyncGenerator<Buffer, void, undefined> {
  switch (inode.layout) {
    case 'plain':
      return inPieces(bytes, inode.union * superblock.blockBytes, inode.sizeBytes);
    case 'inline':
      return inlineContent(bytes, superblock, inode);
    case 'chunks':
      return chunkedContent(bytes, superblock, inode);
    case 'compressed':
    case 'compressed compactly':
      return compressedContent(bytes, superblock, inode);
  }
}

/** The end of the content is behind the inode. */
async function* inlineContent(
  bytes: Bytes,
  { blockBytes }: Superblock,
  { sizeBytes, union, attributesAt, attributeBytes }: Inode,
): AsyncGenerator<Buffer, void, undefined> {
  if (sizeBytes === 0) return;
  const inBlocks = Math.floor((sizeBytes - 1) / blockBytes) * blockBytes;
  yield* inPieces(bytes, union * blockBytes, inBlocks);
  yield await bytes.read(attributesAt + attributeBytes, sizeBytes - inBlocks);
}

async function* chunkedContent(
  bytes: Bytes,
  { blockBytes }: Superblock,
  { sizeBytes, union, attributesAt, attributeBytes }: Inode,
): AsyncGenerator<Buffer, void, undefined> {
  const form = union & 0xffff;
  if ((form & ~(CHUNK_BITS | INDEXES)) !== 0) throw new RangeError(`a file has chunks of the unknown form ${form}`);
  const chunkBytes = blockBytes * 2 ** (form & CHUNK_BITS);
  const placeBytes = (form & INDEXES) === 0 ? 4 : 8;
  const places = Math.ceil((attributesAt + attributeBytes) / placeBytes) * placeBytes;
  for (let start = 0; start < sizeBytes; start += chunkBytes) {
    const length = Math.min(chunkBytes, sizeBytes - start);
    // The block is the last of an index; before it is the number of a device.
    const block = (await bytes.read(places + (start / chunkBytes) * placeBytes + placeBytes - 4, 4)).readUInt32LE(0);
    if (block === HOLE) yield* zeros(length);
    else yield* inPieces(bytes, block * blockBytes, length);
  }
}
