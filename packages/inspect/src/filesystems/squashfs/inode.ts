import type { EntryType } from '@ict/plugin-api';
import { readWide } from '../../bytes.js';
import { nameText } from '../filesystem-over.js';
import { MOST_TARGET_BYTES } from '../limits.js';
import type { MetadataPlace, MetadataReader } from './metadata.js';

const COMMON_BYTES = 16;
/** In place of extended attributes, and of the fragment of a file, where there are none. */
export const NONE = 0xffff_ffff;
/** Kinds of inodes; those that have more of everything are as many further. */
const KINDS: readonly EntryType[] = ['directory', 'file', 'symlink', 'block', 'character', 'fifo', 'socket'];

/** What an inode says. */
export interface Inode {
  readonly type: EntryType;
  readonly mode: number;
  /** Places in the table of ids. */
  readonly owner: number;
  readonly group: number;
  readonly seconds: number;
  readonly number: number;
  readonly sizeBytes: number;
  /** Of a directory its listing, from the table of them on; of a file the sizes of its blocks. */
  readonly place: MetadataPlace;
  /** Where the first block of a file is stored, and how many there are. */
  readonly start: number;
  readonly blocks: number;
  readonly fragment: { readonly index: number; readonly offset: number };
  readonly target?: string;
  readonly device?: number;
  /** A place in the table of extended attributes; {@link NONE} where there are none. */
  readonly attributes: number;
}

/** @returns undefined for one of an unknown kind. @see squashfs_inode in fs/squashfs/squashfs_fs.h of the kernel */
export async function decodeInode(reader: MetadataReader, blockBytes: number): Promise<Inode | undefined> {
  const head = await reader.take(COMMON_BYTES);
  const kind = head.readUInt16LE(0) - 1;
  const isExtended = kind >= KINDS.length;
  const type = KINDS[isExtended ? kind - KINDS.length : kind];
  if (type === undefined) return undefined;
  const common = {
    ...{ type, mode: head.readUInt16LE(2) & 0o7777, owner: head.readUInt16LE(4), group: head.readUInt16LE(6) },
    ...{ seconds: head.readUInt32LE(8), number: head.readUInt32LE(12) },
    ...{ sizeBytes: 0, place: { block: 0, offset: 0 }, start: 0, blocks: 0, fragment: { index: NONE, offset: 0 }, attributes: NONE },
  };
  const attributes = async (): Promise<number> => (isExtended ? (await reader.take(4)).readUInt32LE(0) : NONE);
  switch (type) {
    case 'directory': {
      const fields = await reader.take(isExtended ? 24 : 16);
      if (!isExtended)
        return { ...common, sizeBytes: fields.readUInt16LE(8), place: { block: fields.readUInt32LE(0), offset: fields.readUInt16LE(10) } };
      const place = { block: fields.readUInt32LE(8), offset: fields.readUInt16LE(18) };
      return { ...common, sizeBytes: fields.readUInt32LE(4), place, attributes: fields.readUInt32LE(20) };
    }
    case 'file': {
      const fields = await reader.take(isExtended ? 40 : 16);
      const [sizeBytes, at] = isExtended ? [readWide(fields, 8), 28] : [fields.readUInt32LE(12), 4];
      const fragment = { index: fields.readUInt32LE(at), offset: fields.readUInt32LE(at + 4) };
      const blocks = sizeBytes / blockBytes;
      return {
        ...{ ...common, sizeBytes, fragment, place: reader.place },
        start: isExtended ? readWide(fields, 0) : fields.readUInt32LE(0),
        blocks: fragment.index === NONE ? Math.ceil(blocks) : Math.floor(blocks),
        attributes: isExtended ? fields.readUInt32LE(36) : NONE,
      };
    }
    case 'symlink': {
      const sizeBytes = (await reader.take(8)).readUInt32LE(4);
      if (sizeBytes > MOST_TARGET_BYTES) throw new RangeError(`the target of a link has ${sizeBytes} bytes`);
      const target = nameText(await reader.take(sizeBytes));
      return { ...common, sizeBytes, target, attributes: await attributes() };
    }
    case 'block':
    case 'character':
      return { ...common, device: (await reader.take(8)).readUInt32LE(4), attributes: await attributes() };
    case 'fifo':
    case 'socket':
      await reader.take(4);
      return { ...common, attributes: await attributes() };
  }
}
