import type { PlacedBytes } from '@ict/image-parts';
import { encodeBootCatalog, encodeBootRecord } from './el-torito.js';
import { planIsoDirectories, type IsoDirectory, type IsoFile } from './iso-directories.js';

/** A logical block: everything on a volume begins with one. */
export const ISO_BLOCK_BYTES = 2048;
/** What stands before the first descriptor is left to others. */
export const SYSTEM_AREA_BYTES = 16 * ISO_BLOCK_BYTES;
/** Longest label of a volume. */
export const ISO_LABEL_CHARACTERS = 32;

const PRIMARY_BLOCK = SYSTEM_AREA_BYTES / ISO_BLOCK_BYTES;
/** Where El Torito looks for its own. */
const BOOT_RECORD_BLOCK = 17;
const TERMINATOR_BLOCK = 18;
const CATALOG_BLOCK = 19;
const PATH_TABLE_BLOCK = 20;

const BOOT_RECORD = 0;
const PRIMARY = 1;
const TERMINATOR = 255;
const DIRECTORY_FLAG = 0x02;
/** Fixed part of a directory record. */
const RECORD_BYTES = 33;
/** Of records, which count years since 1900 in a byte. */
const LAST_RECORD_SECOND = Date.UTC(2155, 11, 31, 23, 59, 59) / 1000;
/** Of volumes, which write years in four digits. */
const LAST_VOLUME_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;
const APPLICATION = 'IMAGE COMPOSER TOOL';

export interface IsoVolume {
  /** At most 32 of A to Z, 0 to 9 and `_`. */
  readonly label: string;
  /** Of the whole volume. */
  readonly blocks: number;
  readonly files: readonly IsoFile[];
  /** First block of the EFI System Partition, which ends with the volume. */
  readonly efiBlock: number;
  /** The time of everything, since 1970. */
  readonly epochSeconds: number;
}

/** A directory with its place, or a table. */
interface Extent {
  readonly block: number;
  readonly sizeBytes: number;
}

/**
 * All of an ISO 9660 volume that starts by UEFI, but the contents of its files: descriptors, boot catalog, path tables and directories.
 * Names are written in capitals, as interchange level 2 wants them; Linux shows them in small letters.
 *
 * @throws RangeError for names that level 2 has not, and when there is no room before the partition.
 * @see ECMA-119, 4th edition
 */
export function encodeIso9660(volume: IsoVolume): readonly PlacedBytes[] {
  const { efiBlock, epochSeconds } = volume;
  const directories = planIsoDirectories(volume.files);
  const tableBytes = encodePathTable(
    directories,
    directories.map(() => 0),
    'LE',
  ).length;
  const tableBlocks = blocksOf(tableBytes);
  let next = PATH_TABLE_BLOCK + 2 * tableBlocks;
  const extents = directories.map((directory): Extent => {
    const block = next;
    // How long the records are does not depend on where they lead.
    const sizeBytes = blocksOf(encodeDirectory(directory, { block, sizeBytes: 0 }, undefined, epochSeconds).length) * ISO_BLOCK_BYTES;
    next += sizeBytes / ISO_BLOCK_BYTES;
    return { block, sizeBytes };
  });
  if (next > efiBlock) throw new RangeError(`the directories end at block ${next}, and the EFI System Partition begins at ${efiBlock}`);
  const blocks = extents.map(({ block }) => block);
  return [
    at(PRIMARY_BLOCK, encodePrimary(volume, tableBytes, tableBlocks, extents[0] as Extent)),
    at(
      BOOT_RECORD_BLOCK,
      encodeDescriptor(BOOT_RECORD, (block) => encodeBootRecord(block, CATALOG_BLOCK)),
    ),
    at(TERMINATOR_BLOCK, encodeDescriptor(TERMINATOR)),
    at(CATALOG_BLOCK, encodeBootCatalog(efiBlock)),
    at(PATH_TABLE_BLOCK, encodePathTable(directories, blocks, 'LE')),
    at(PATH_TABLE_BLOCK + tableBlocks, encodePathTable(directories, blocks, 'BE')),
    ...directories.map((directory, index) => {
      const own = extents[index] as Extent;
      return at(own.block, encodeDirectory(directory, own, extents, epochSeconds));
    }),
  ];
}

function at(block: number, bytes: Buffer): PlacedBytes {
  return { offsetBytes: block * ISO_BLOCK_BYTES, bytes };
}

function blocksOf(bytes: number): number {
  return Math.ceil(bytes / ISO_BLOCK_BYTES);
}

/** @see ECMA-119, 8.1 to 8.3 */
function encodeDescriptor(type: number, fill: (block: Buffer) => void = () => undefined): Buffer {
  const block = Buffer.alloc(ISO_BLOCK_BYTES);
  block.writeUInt8(type, 0);
  block.write('CD001', 1, 'latin1');
  block.writeUInt8(1, 6);
  fill(block);
  return block;
}

/** @see ECMA-119, 8.4 */
function encodePrimary({ label, blocks, epochSeconds }: IsoVolume, tableBytes: number, tableBlocks: number, root: Extent): Buffer {
  if (!/^[A-Z0-9_]*$/u.test(label) || label.length > ISO_LABEL_CHARACTERS) throw new RangeError(`no volume can be called ${label}`);
  return encodeDescriptor(PRIMARY, (block) => {
    const text = (offset: number, length: number, value = ''): void => void block.write(value.padEnd(length), offset, 'latin1');
    text(8, 32);
    text(40, ISO_LABEL_CHARACTERS, label);
    writeBoth32(block, blocks, 80);
    writeBoth16(block, 1, 120);
    writeBoth16(block, 1, 124);
    writeBoth16(block, ISO_BLOCK_BYTES, 128);
    writeBoth32(block, tableBytes, 132);
    block.writeUInt32LE(PATH_TABLE_BLOCK, 140);
    block.writeUInt32BE(PATH_TABLE_BLOCK + tableBlocks, 148);
    encodeRecord('\0', root, DIRECTORY_FLAG, epochSeconds).copy(block, 156);
    // Volume set, publisher and who prepared the data are not said, nor are files about rights and contents.
    text(190, 384);
    text(574, 128, APPLICATION);
    text(702, 111);
    const made = volumeTime(epochSeconds);
    for (const [index, time] of [made, made, NO_TIME, NO_TIME].entries()) block.write(time, 813 + index * 17, 'latin1');
    block.writeUInt8(1, 881);
  });
}

/** @see ECMA-119, 8.4.26.1: digits, and a byte for the distance from Greenwich, which is 0 */
const NO_TIME = '0'.repeat(16);

function volumeTime(seconds: number): string {
  const time = new Date(Math.min(Math.max(seconds, 0), LAST_VOLUME_SECOND) * 1000);
  return `${time.toISOString().replace(/\D/gu, '').slice(0, 14)}00`;
}

/** @see ECMA-119, 9.4 */
function encodePathTable(directories: readonly IsoDirectory[], blocks: readonly number[], order: 'LE' | 'BE'): Buffer {
  return Buffer.concat(
    directories.map(({ identifier, parent }, index) => {
      const name = Buffer.from(identifier || '\0', 'latin1');
      const record = Buffer.alloc(8 + name.length + (name.length % 2));
      record.writeUInt8(name.length, 0);
      record[`writeUInt32${order}`](blocks[index] as number, 2);
      record[`writeUInt16${order}`](parent, 6);
      name.copy(record, 8);
      return record;
    }),
  );
}

/**
 * The records of a directory, none of them across two blocks.
 *
 * @param extents of all directories by their places; undefined when only the length is wanted.
 */
function encodeDirectory({ parent, entries }: IsoDirectory, own: Extent, extents: readonly Extent[] | undefined, seconds: number): Buffer {
  const extentOf = (directory: number): Extent => extents?.[directory - 1] ?? { block: 0, sizeBytes: 0 };
  const records = [
    encodeRecord('\0', own, DIRECTORY_FLAG, seconds),
    encodeRecord('\x01', extentOf(parent), DIRECTORY_FLAG, seconds),
    ...entries.map((entry) => {
      if ('directory' in entry) return encodeRecord(entry.identifier, extentOf(entry.directory), DIRECTORY_FLAG, seconds);
      const { firstBlock, sizeBytes } = entry.file;
      return encodeRecord(entry.identifier, { block: firstBlock, sizeBytes }, 0, seconds);
    }),
  ];
  const parts: Buffer[] = [];
  let length = 0;
  for (const record of records) {
    const room = ISO_BLOCK_BYTES - (length % ISO_BLOCK_BYTES);
    if (record.length > room) {
      parts.push(Buffer.alloc(room));
      length += room;
    }
    parts.push(record);
    length += record.length;
  }
  return Buffer.concat(parts);
}

/** @see ECMA-119, 9.1 */
function encodeRecord(identifier: string, { block, sizeBytes }: Extent, flags: number, seconds: number): Buffer {
  const length = RECORD_BYTES + identifier.length;
  const record = Buffer.alloc(length + (length % 2));
  record.writeUInt8(record.length, 0);
  writeBoth32(record, block, 2);
  writeBoth32(record, sizeBytes, 10);
  const time = new Date(Math.min(Math.max(seconds, 0), LAST_RECORD_SECOND) * 1000);
  record.set([time.getUTCFullYear() - 1900, time.getUTCMonth() + 1, time.getUTCDate()], 18);
  record.set([time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds(), 0], 21);
  record.writeUInt8(flags, 25);
  writeBoth16(record, 1, 28);
  record.writeUInt8(identifier.length, 32);
  record.write(identifier, RECORD_BYTES, 'latin1');
  return record;
}

function writeBoth16(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt16LE(value, offset);
  bytes.writeUInt16BE(value, offset + 2);
}

function writeBoth32(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32LE(value, offset);
  bytes.writeUInt32BE(value, offset + 4);
}
