import { encodeAccessControl, namesSomebody, type AccessEntry } from '@ict/image-parts';
import { nameText } from './filesystem-over.js';
import { ATTRIBUTE_PREFIXES } from './inode-fields.js';

const MAGIC = 0xea02_0000;
const BLOCK_HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
/** Those that are lists for access control: ext has a form of its own for them. */
const ACCESS_CONTROL: readonly number[] = [2, 3];

/** Extended attributes that lie in an inode behind its fields. @see Documentation/filesystems/ext4/attributes.rst of the kernel */
export function parseAttributes(room: Buffer): Readonly<Record<string, string>> {
  if (room.readUInt32LE(0) !== MAGIC) return {};
  const entries = room.subarray(4);
  return parseEntries(entries, entries);
}

/** Those of a block of their own. */
export function parseBlockOfAttributes(block: Buffer): Readonly<Record<string, string>> {
  if (block.readUInt32LE(0) !== MAGIC) throw new RangeError('a block of extended attributes is damaged');
  return parseEntries(block.subarray(BLOCK_HEADER_BYTES), block);
}

/** @param values what offsets of values are counted from. */
function parseEntries(entries: Buffer, values: Buffer): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (let at = 0; at + 4 <= entries.length && entries.readUInt32LE(at) !== 0; ) {
    if (at + ENTRY_BYTES > entries.length) throw new RangeError('extended attributes are damaged');
    const nameBytes = entries.readUInt8(at);
    const offset = entries.readUInt16LE(at + 2);
    const sizeBytes = entries.readUInt32LE(at + 8);
    // A value in an inode of its own is not read: its number stands for it.
    const inode = entries.readUInt32LE(at + 4);
    const prefix = entries.readUInt8(at + 1);
    const name = `${ATTRIBUTE_PREFIXES[prefix] ?? ''}${nameText(entries.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes))}`;
    if (inode === 0 && offset + sizeBytes > values.length) throw new RangeError('extended attributes are damaged');
    const value = values.subarray(offset, offset + sizeBytes);
    if (inode !== 0) found.push([name, `inode ${inode}`]);
    else found.push([name, (ACCESS_CONTROL.includes(prefix) ? encodeAccessControl(accessEntries(value)) : value).toString('hex')]);
    at += Math.ceil((ENTRY_BYTES + nameBytes) / 4) * 4;
  }
  return Object.fromEntries(found);
}

/** Whom a list names has an id; others have none, and take less room. @see fs/ext4/acl.h of the kernel */
function* accessEntries(stored: Buffer): Generator<AccessEntry, void, undefined> {
  for (let at = 4; at + 4 <= stored.length; ) {
    const [tag, permissions] = [stored.readUInt16LE(at), stored.readUInt16LE(at + 2)];
    const hasId = namesSomebody(tag);
    yield { tag, permissions, id: hasId ? stored.readUInt32LE(at + 4) : 0 };
    at += hasId ? 8 : 4;
  }
}
