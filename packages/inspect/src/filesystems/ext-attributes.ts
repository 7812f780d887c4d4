import { compareText } from '@ict/integrity';

const MAGIC = 0xea02_0000;
const BLOCK_HEADER_BYTES = 32;
const ENTRY_BYTES = 16;
/** Beginnings of names that are stored as a number; 2 and 3 are whole names. */
const PREFIXES: Readonly<Record<number, string>> = {
  1: 'user.',
  2: 'system.posix_acl_access',
  3: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  7: 'system.',
};

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
    const name = `${PREFIXES[entries.readUInt8(at + 1)] ?? ''}${entries.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes)}`;
    if (inode === 0 && offset + sizeBytes > values.length) throw new RangeError('extended attributes are damaged');
    found.push([name, inode === 0 ? values.toString('hex', offset, offset + sizeBytes) : `inode ${inode}`]);
    at += Math.ceil((ENTRY_BYTES + nameBytes) / 4) * 4;
  }
  return Object.fromEntries(found.sort(([a], [b]) => compareText(a, b)));
}
