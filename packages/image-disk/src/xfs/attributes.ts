import {
  XFS_ACL_BYTES,
  XFS_ACLS,
  XFS_ATTRIBUTE,
  XFS_ATTRIBUTE_ENTRY_BYTES,
  XFS_ATTRIBUTE_HEAD_BYTES,
  XFS_HASHES,
  XFS_HEADER_BYTES,
  XFS_NAMESPACES,
  XFS_SHORT_ATTRIBUTES_BYTES,
  decodeAccessControl,
} from '@ict/image-parts';
import { byteBlockCount } from './byte-blocks.js';
import { BLOCK_BYTES } from './constants.js';
import { hashHeader } from './hash-blocks.js';
import { nameHash } from './name-hash.js';

/** As which the kernel shows ACLs of an xfs once more: a tree that lies on one has each twice. */
const SHOWN_ACLS = Object.values(XFS_ACLS).map((name) => `trusted.${name}`);

/** Longest name or value beside others in an inode. */
const SHORT_MOST = 255;
/** A value that would make its entry larger has blocks of its own. */
const LARGEST_LOCAL = (BLOCK_BYTES * 3) / 4;

interface Attribute {
  readonly flags: number;
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Extended attributes of an inode: in it, or as a block of entries, and the values that have blocks of their own behind it, in the same order. */
export type StoredAttributes =
  | { readonly kind: 'none' }
  | { readonly kind: 'inside'; readonly content: Buffer }
  | { readonly kind: 'leaf'; readonly leaf: Buffer; readonly values: readonly Buffer[] };

/**
 * Stores extended attributes as xfs does.
 *
 * @param xattrs values in base64, as system calls give them.
 * @param roomBytes what an inode has for them.
 * @returns undefined when they do not fit in a block of entries, or xfs has no form for one.
 * @see fs/xfs/libxfs/xfs_da_format.h of the kernel
 */
export function storeAttributes(xattrs: Readonly<Record<string, string>>, roomBytes: number): StoredAttributes | undefined {
  const attributes: Attribute[] = [];
  for (const key of Object.keys(xattrs).sort()) {
    if (SHOWN_ACLS.includes(key)) continue;
    const attribute = attributeOf(key, Buffer.from(xattrs[key] as string, 'base64'));
    if (attribute === undefined) return undefined;
    attributes.push(attribute);
  }
  if (attributes.length === 0) return { kind: 'none' };
  const size = attributes.reduce(
    (sum, { name, value }) => sum + XFS_ATTRIBUTE_HEAD_BYTES.local + name.length + value.length,
    XFS_SHORT_ATTRIBUTES_BYTES,
  );
  if (size <= roomBytes && attributes.every(({ value }) => value.length <= SHORT_MOST))
    return { kind: 'inside', content: encodeShort(attributes, size) };
  return encodeLeaf(attributes);
}

function attributeOf(key: string, value: Buffer): Attribute | undefined {
  const acl = XFS_ACLS[key];
  if (acl !== undefined) {
    const stored = storedAcl(value);
    return stored && { flags: XFS_ATTRIBUTE.trusted, name: Buffer.from(acl), value: stored };
  }
  const found = XFS_NAMESPACES.find(([prefix]) => key.startsWith(prefix));
  return found && { flags: found[1], name: Buffer.from(key.slice(found[0].length)), value };
}

/** An ACL as xfs keeps it: the other order of bytes, and how many entries. Undefined for what is no ACL. */
function storedAcl(value: Buffer): Buffer | undefined {
  const entries = decodeAccessControl(value);
  if (entries === undefined) return undefined;
  const bytes = Buffer.alloc(XFS_ACL_BYTES.count + XFS_ACL_BYTES.entry * entries.length);
  bytes.writeUInt32BE(entries.length, 0);
  entries.forEach(({ tag, permissions, id }, index) => {
    const at = XFS_ACL_BYTES.count + index * XFS_ACL_BYTES.entry;
    bytes.writeUInt32BE(tag, at);
    bytes.writeUInt32BE(id, at + 4);
    bytes.writeUInt16BE(permissions, at + 8);
  });
  return bytes;
}

function encodeShort(attributes: readonly Attribute[], size: number): Buffer {
  const header = Buffer.alloc(XFS_SHORT_ATTRIBUTES_BYTES);
  header.writeUInt16BE(size, 0);
  header.writeUInt8(attributes.length, 2);
  return Buffer.concat([
    header,
    ...attributes.flatMap(({ flags, name, value }) => [Buffer.from([name.length, value.length, flags]), name, value]),
  ]);
}

/** Entries in the order of their hashes from the front, names and values from the end of the block. */
function encodeLeaf(attributes: readonly Attribute[]): StoredAttributes | undefined {
  const sorted = attributes.map((attribute) => ({ ...attribute, hash: nameHash(attribute.name) })).sort((a, b) => a.hash - b.hash);
  const leaf = hashHeader(XFS_HASHES.attributes, sorted.length);
  const values: Buffer[] = [];
  const entriesEnd = XFS_HEADER_BYTES.attributes + sorted.length * XFS_ATTRIBUTE_ENTRY_BYTES;
  let firstUsed = BLOCK_BYTES;
  let nextBlock = 1;
  for (const [index, { hash, flags, name, value }] of sorted.entries()) {
    const isLocal = padded(XFS_ATTRIBUTE_HEAD_BYTES.local + name.length + value.length) < LARGEST_LOCAL;
    const stored = isLocal ? localEntry(name, value) : distantEntry(name, value, nextBlock);
    firstUsed -= stored.length;
    if (firstUsed < entriesEnd) return undefined;
    stored.copy(leaf, firstUsed);
    const at = XFS_HEADER_BYTES.attributes + index * XFS_ATTRIBUTE_ENTRY_BYTES;
    leaf.writeUInt32BE(hash, at);
    leaf.writeUInt16BE(firstUsed, at + 4);
    leaf.writeUInt8(isLocal ? flags | XFS_ATTRIBUTE.local : flags, at + 6);
    if (isLocal) continue;
    values.push(value);
    nextBlock += byteBlockCount(value);
  }
  leaf.writeUInt16BE(BLOCK_BYTES - firstUsed, 58);
  leaf.writeUInt16BE(firstUsed, 60);
  leaf.writeUInt16BE(entriesEnd, 64);
  leaf.writeUInt16BE(firstUsed - entriesEnd, 66);
  return { kind: 'leaf', leaf, values };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function localEntry(name: Buffer, value: Buffer): Buffer {
  const bytes = Buffer.alloc(padded(XFS_ATTRIBUTE_HEAD_BYTES.local + name.length + value.length));
  bytes.writeUInt16BE(value.length, 0);
  bytes.writeUInt8(name.length, 2);
  name.copy(bytes, XFS_ATTRIBUTE_HEAD_BYTES.local);
  value.copy(bytes, XFS_ATTRIBUTE_HEAD_BYTES.local + name.length);
  return bytes;
}

function distantEntry(name: Buffer, value: Buffer, block: number): Buffer {
  const bytes = Buffer.alloc(padded(XFS_ATTRIBUTE_HEAD_BYTES.distant + name.length));
  bytes.writeUInt32BE(block, 0);
  bytes.writeUInt32BE(value.length, 4);
  bytes.writeUInt8(name.length, 8);
  name.copy(bytes, XFS_ATTRIBUTE_HEAD_BYTES.distant);
  return bytes;
}
