import { XFS_BLOCK, XFS_HEADER_BYTES, XFS_NAME_UNIT_BYTES, XFS_NAMES_TAIL_BYTES, XFS_NO_NAME, xfsNameBytes } from '@ict/image-parts';
import { readWideBE } from '../../bytes.js';

/** A name in a directory, without a guarantee that it is one. */
export interface DirectoryName {
  readonly name: Buffer;
  readonly inode: number;
}

/**
 * Names of a directory that is in its inode.
 *
 * @throws RangeError where they do not end where it does.
 * @see xfs_dir2_sf_hdr and xfs_dir2_sf_entry in fs/xfs/libxfs/xfs_da_format.h of the kernel
 */
export function* shortNames(content: Buffer): Generator<DirectoryName, void, undefined> {
  const isWide = content.readUInt8(1) > 0;
  const inodeBytes = isWide ? 8 : 4;
  let at = 2 + inodeBytes;
  for (let left = content.readUInt8(0); left > 0; left--) {
    const start = at + 3;
    const end = start + content.readUInt8(at);
    // Behind the name is its kind.
    yield { name: content.subarray(start, end), inode: isWide ? readWideBE(content, end + 1) : content.readUInt32BE(end + 1) };
    at = end + 1 + inodeBytes;
  }
  if (at !== content.length) throw new RangeError('names of a directory are damaged');
}

/**
 * Names of a block, with those by which a directory names itself and the one above it.
 *
 * @throws RangeError where it is damaged.
 * @see xfs_dir2_data_entry and xfs_dir2_data_unused there
 */
export function* namesIn(block: Buffer): Generator<DirectoryName, void, undefined> {
  const end = endOfNames(block);
  for (let at: number = XFS_HEADER_BYTES.names; at < end; ) {
    const hasName = block.readUInt16BE(at) !== XFS_NO_NAME;
    const length = hasName ? xfsNameBytes(block.readUInt8(at + 8)) : block.readUInt16BE(at + 2);
    if (length === 0 || length % XFS_NAME_UNIT_BYTES !== 0 || at + length > end) throw new RangeError('a block of names is damaged');
    if (hasName) yield { name: block.subarray(at + 9, at + 9 + block.readUInt8(at + 8)), inode: readWideBE(block, at) };
    at += length;
  }
}

function endOfNames(block: Buffer): number {
  const magic = block.toString('latin1', 0, 4);
  if (magic === XFS_BLOCK.names) return block.length;
  if (magic !== XFS_BLOCK.allNames) throw new RangeError('a block of names is none');
  const tail = block.length - XFS_NAMES_TAIL_BYTES;
  const end = tail - block.readUInt32BE(tail) * XFS_NAME_UNIT_BYTES;
  if (end < XFS_HEADER_BYTES.names) throw new RangeError('a block of names is damaged');
  return end;
}
