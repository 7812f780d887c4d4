import type { Bytes } from '../../bytes.js';
import { nameText } from '../filesystem-over.js';
import { ATTRIBUTE_PREFIXES } from '../inode-fields.js';
import type { Inode } from './inode.js';
import type { Superblock } from './superblock.js';

const HEADER_BYTES = 12;
const ENTRY_BYTES = 4;
const ALIGNED = 4;

/**
 * Extended attributes of an inode: its own, and those that it shares with others.
 *
 * @see erofs_xattr_ibody_header and erofs_xattr_entry in fs/erofs/erofs_fs.h of the kernel
 */
export async function readAttributes(
  bytes: Bytes,
  superblock: Superblock,
  { attributesAt, attributeBytes }: Inode,
): Promise<readonly [string, string][]> {
  if (attributeBytes === 0) return [];
  const body = await bytes.read(attributesAt, attributeBytes);
  const end = HEADER_BYTES + body.readUInt8(4) * ENTRY_BYTES;
  const found: [string, string][] = [];
  for (let at = HEADER_BYTES; at < end; at += ENTRY_BYTES) {
    const place = superblock.attributesAt + body.readUInt32LE(at) * ENTRY_BYTES;
    const entry = await bytes.read(place, ENTRY_BYTES);
    found.push(decodeEntry(await bytes.read(place, entryBytes(entry))));
  }
  for (let at = end; at + ENTRY_BYTES <= body.length; ) {
    const length = entryBytes(body.subarray(at));
    if (at + length > body.length) throw new RangeError('extended attributes are damaged');
    found.push(decodeEntry(body.subarray(at, at + length)));
    at += Math.ceil(length / ALIGNED) * ALIGNED;
  }
  return found;
}

function entryBytes(entry: Buffer): number {
  return ENTRY_BYTES + entry.readUInt8(0) + entry.readUInt16LE(2);
}

function decodeEntry(entry: Buffer): [string, string] {
  const value = ENTRY_BYTES + entry.readUInt8(0);
  const prefix = ATTRIBUTE_PREFIXES[entry.readUInt8(1)] ?? '';
  return [`${prefix}${nameText(entry.subarray(ENTRY_BYTES, value))}`, entry.toString('hex', value)];
}
