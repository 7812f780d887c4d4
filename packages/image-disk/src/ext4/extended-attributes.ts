import { crc32c, crc32cOfNumber, decodeAccessControl, namesSomebody } from '@ict/image-parts';
import { BLOCK_BYTES } from './geometry.js';

const MAGIC = 0xea02_0000;
const ENTRY_HEADER_BYTES = 16;
const BLOCK_HEADER_BYTES = 32;
/** Four bytes of zeros end the entries. */
const END_BYTES = 4;

/** Beginnings of names that are stored as a number; those that are whole names first. */
const PREFIXES = [
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['user.', 1],
  ['trusted.', 4],
  ['security.', 6],
  ['system.', 7],
] as const;

interface Attribute {
  readonly prefix: number;
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Extended attributes of one inode: those that it has room for, and those of a block of their own. */
export interface StoredAttributes {
  /** Follows the inode's fields; undefined when nothing lies there. */
  readonly inInode: Buffer | undefined;
  /** Undefined when there is no need for a block; its checksum is not in it yet. */
  readonly block: Buffer | undefined;
}

/**
 * Stores extended attributes as ext4 does.
 *
 * @param xattrs values in base64, as system calls give them.
 * @param roomBytes what an inode has for them.
 * @returns undefined when they do not fit in the inode and one block, or a name has no prefix that ext4 knows.
 * @see Documentation/filesystems/ext4/attributes.rst of the kernel
 */
export function storeAttributes(xattrs: Readonly<Record<string, string>>, roomBytes: number): StoredAttributes | undefined {
  const attributes: Attribute[] = [];
  for (const [name, value] of Object.entries(xattrs)) {
    const attribute = attributeOf(name, Buffer.from(value, 'base64'));
    if (attribute === undefined) return undefined;
    attributes.push(attribute);
  }
  attributes.sort((a, b) => a.prefix - b.prefix || a.name.length - b.name.length || Buffer.compare(a.name, b.name));
  const inside: Attribute[] = [];
  const outside: Attribute[] = [];
  for (const attribute of attributes) {
    const fits = 4 + sizeOf([...inside, attribute]) <= roomBytes;
    (fits ? inside : outside).push(attribute);
  }
  if (BLOCK_HEADER_BYTES + sizeOf(outside) > BLOCK_BYTES) return undefined;
  return {
    inInode: inside.length === 0 ? undefined : inodePart(inside, roomBytes),
    block: outside.length === 0 ? undefined : block(outside),
  };
}

/** Writes the checksum of a block of attributes, which depends on where it lies. @param seed of the filesystem's checksums. */
export function sealAttributeBlock(bytes: Buffer, at: number, seed: number): Buffer {
  bytes.writeUInt32LE(crc32c(bytes, crc32cOfNumber(0, crc32cOfNumber(at, seed))), 0x10); // numbers of blocks have 64 bits here
  return bytes;
}

function attributeOf(name: string, value: Buffer): Attribute | undefined {
  const found = PREFIXES.find(([prefix]) => (prefix.endsWith('.') ? name.startsWith(prefix) : name === prefix));
  if (found === undefined) return undefined;
  const [prefix, number] = found;
  const acl = number === 2 || number === 3;
  const stored = acl ? storedAcl(value) : value;
  return stored === undefined ? undefined : { prefix: number, name: Buffer.from(name.slice(prefix.length)), value: stored };
}

const STORED_ACL_VERSION = 1;

/** An ACL as ext4 keeps it: ids only in entries that name somebody. Undefined for what is no ACL. */
function storedAcl(value: Buffer): Buffer | undefined {
  const entries = decodeAccessControl(value);
  if (entries === undefined) return undefined;
  const version = Buffer.alloc(4);
  version.writeUInt32LE(STORED_ACL_VERSION);
  const stored = entries.map(({ tag, permissions, id }) => {
    const entry = Buffer.alloc(namesSomebody(tag) ? 8 : 4);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(permissions, 2);
    if (namesSomebody(tag)) entry.writeUInt32LE(id, 4);
    return entry;
  });
  return Buffer.concat([version, ...stored]);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

function sizeOf(attributes: readonly Attribute[]): number {
  return attributes.reduce((sum, { name, value }) => sum + ENTRY_HEADER_BYTES + padded(name.length) + padded(value.length), END_BYTES);
}

function inodePart(attributes: readonly Attribute[], roomBytes: number): Buffer {
  const bytes = Buffer.alloc(roomBytes);
  bytes.writeUInt32LE(MAGIC, 0);
  encodeEntries(attributes, bytes.subarray(4), 0);
  return bytes;
}

function block(attributes: readonly Attribute[]): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32LE(MAGIC, 0x0);
  bytes.writeUInt32LE(1, 0x4); // inodes that have this block
  bytes.writeUInt32LE(1, 0x8); // blocks
  const hashes = encodeEntries(attributes, bytes, BLOCK_HEADER_BYTES);
  bytes.writeUInt32LE(
    hashes.reduce((hash, entry) => rotate(hash, 16, entry), 0),
    0xc,
  );
  return bytes;
}

/** Writes entries from `start` on, and their values from the end of `target` down. @returns the hash of each. */
function encodeEntries(attributes: readonly Attribute[], target: Buffer, start: number): number[] {
  let at = start;
  let valueAt = target.length;
  return attributes.map(({ prefix, name, value }) => {
    valueAt -= padded(value.length);
    value.copy(target, valueAt);
    const hash = entryHash(name, target.subarray(valueAt, valueAt + padded(value.length)));
    target.writeUInt8(name.length, at);
    target.writeUInt8(prefix, at + 1);
    target.writeUInt16LE(value.length === 0 ? 0 : valueAt, at + 2);
    target.writeUInt32LE(value.length, at + 8);
    target.writeUInt32LE(hash, at + 12);
    name.copy(target, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + padded(name.length);
    return hash;
  });
}

/** By which the kernel finds blocks of the same attributes. */
function entryHash(name: Buffer, value: Buffer): number {
  let hash = 0;
  for (const byte of name) hash = rotate(hash, 5, byte);
  for (let at = 0; at < value.length; at += 4) hash = rotate(hash, 16, value.readUInt32LE(at));
  return hash;
}

function rotate(hash: number, bits: number, value: number): number {
  return ((hash << bits) ^ (hash >>> (32 - bits)) ^ value) >>> 0;
}
