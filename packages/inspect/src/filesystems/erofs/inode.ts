import { readWide, type Bytes } from '../../bytes.js';
import type { Superblock } from './superblock.js';

const SLOT_BYTES = 32;
const EXTENDED_BYTES = 64;

/** How the content of a file is stored, by its number. */
export const LAYOUTS = ['plain', 'compressed', 'inline', 'compressed compactly', 'chunks'] as const;

/** What an inode says. */
export interface Inode {
  /** Where it lies, in slots. */
  readonly number: number;
  /** Type and permissions. */
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly layout: (typeof LAYOUTS)[number];
  /** First block of the content, number of a device, or form of the chunks. */
  readonly union: number;
  /** Extended attributes behind it, with what they begin with; what stands behind those belongs to the content. */
  readonly attributesAt: number;
  readonly attributeBytes: number;
}

/** @see erofs_inode_compact and erofs_inode_extended in fs/erofs/erofs_fs.h of the kernel */
export async function readInode(bytes: Bytes, { inodesAt, seconds }: Superblock, number: number): Promise<Inode> {
  const at = inodesAt + number * SLOT_BYTES;
  const format = (await bytes.read(at, 2)).readUInt16LE(0);
  const isExtended = (format & 1) !== 0;
  const layout = LAYOUTS[format >> 1];
  if (layout === undefined) throw new RangeError(`inode ${number} has the unknown form ${format}`);
  const inodeBytes = isExtended ? EXTENDED_BYTES : SLOT_BYTES;
  const fields = await bytes.read(at, inodeBytes);
  const attributeWords = fields.readUInt16LE(2);
  return {
    ...{ number, layout, mode: fields.readUInt16LE(4), union: fields.readUInt32LE(16) },
    ...(isExtended
      ? {
          ...{ owner: fields.readUInt32LE(24), group: fields.readUInt32LE(28), sizeBytes: readWide(fields, 8) },
          seconds: Number(fields.readBigInt64LE(32)),
        }
      : { owner: fields.readUInt16LE(24), group: fields.readUInt16LE(26), sizeBytes: fields.readUInt32LE(8), seconds }),
    attributesAt: at + inodeBytes,
    attributeBytes: attributeWords === 0 ? 0 : 12 + 4 * (attributeWords - 1),
  };
}
