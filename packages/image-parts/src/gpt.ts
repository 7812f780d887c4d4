import { crc32 } from 'node:zlib';
import { guidBytes } from './guid.js';

/** Bytes in a sector. Images are made for 512-byte sectors, as every virtual machine and most firmware expect. */
export const SECTOR_BYTES = 512;
/** Sectors at each end that the tables take: header and 128 entries of 128 bytes; in front also the protective MBR. */
export const PRIMARY_SECTORS = 34;
export const BACKUP_SECTORS = 33;
/** Longest partition name, in UTF-16 code units. */
export const MAX_NAME_UNITS = 36;

/** Type of an EFI System Partition. */
export const ESP_TYPE_GUID = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

/** Type of the one partition of an MBR that covers a disk with a GPT. */
export const PROTECTIVE_MBR_TYPE = 0xee;

const ENTRY_COUNT = 128;
const ENTRY_BYTES = 128;
const HEADER_BYTES = 92;

/** One entry of the table. Sectors are logical block addresses; `lastLba` is part of the partition. */
export interface GptPartition {
  readonly typeGuid: string;
  readonly partitionGuid: string;
  readonly firstLba: number;
  readonly lastLba: number;
  readonly attributes: bigint;
  readonly name: string;
}

export interface GptTable {
  readonly diskGuid: string;
  /** Size of the whole disk, in sectors. */
  readonly sectors: number;
  /** In table order: the first is partition 1. */
  readonly partitions: readonly GptPartition[];
}

/** What to write where. */
export interface EncodedGpt {
  /** Protective MBR, header and entries, for offset 0. */
  readonly primary: Uint8Array;
  /** Entries and header, for `backupOffset`. */
  readonly backup: Uint8Array;
  /** In bytes. */
  readonly backupOffset: number;
}

/** First sector that a partition may use. */
export const FIRST_USABLE_LBA = PRIMARY_SECTORS;

/** Last sector that a partition may use on a disk of `sectors` sectors. */
export function lastUsableLba(sectors: number): number {
  return sectors - BACKUP_SECTORS - 1;
}

/**
 * Writes a GUID partition table: protective MBR, primary and backup headers with 128 entries each, and their CRCs.
 * The result depends on `table` alone.
 *
 * @throws RangeError when a partition lies outside the usable sectors, two overlap, a name is too long or there are too many.
 * @see UEFI specification 2.10, section 5
 */
export function encodeGpt(table: GptTable): EncodedGpt {
  assertTable(table);
  const entries = Buffer.alloc(ENTRY_COUNT * ENTRY_BYTES);
  table.partitions.forEach((partition, index) => writeEntry(entries.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES), partition));
  const last = table.sectors - 1;
  const entriesCrc = crc32(entries);
  const header = (own: number, other: number, entriesLba: number): Buffer => {
    const bytes = Buffer.alloc(SECTOR_BYTES);
    bytes.write('EFI PART', 0, 'latin1');
    bytes.writeUInt32LE(0x0001_0000, 8);
    bytes.writeUInt32LE(HEADER_BYTES, 12);
    bytes.writeBigUInt64LE(BigInt(own), 24);
    bytes.writeBigUInt64LE(BigInt(other), 32);
    bytes.writeBigUInt64LE(BigInt(FIRST_USABLE_LBA), 40);
    bytes.writeBigUInt64LE(BigInt(lastUsableLba(table.sectors)), 48);
    bytes.set(guidBytes(table.diskGuid), 56);
    bytes.writeBigUInt64LE(BigInt(entriesLba), 72);
    bytes.writeUInt32LE(ENTRY_COUNT, 80);
    bytes.writeUInt32LE(ENTRY_BYTES, 84);
    bytes.writeUInt32LE(entriesCrc, 88);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES)), 16);
    return bytes;
  };
  return {
    primary: Buffer.concat([protectiveMbr(table.sectors), header(1, last, 2), entries]),
    backup: Buffer.concat([entries, header(last, 1, last - BACKUP_SECTORS + 1)]),
    backupOffset: (table.sectors - BACKUP_SECTORS) * SECTOR_BYTES,
  };
}

function writeEntry(entry: Buffer, partition: GptPartition): void {
  entry.set(guidBytes(partition.typeGuid), 0);
  entry.set(guidBytes(partition.partitionGuid), 16);
  entry.writeBigUInt64LE(BigInt(partition.firstLba), 32);
  entry.writeBigUInt64LE(BigInt(partition.lastLba), 40);
  entry.writeBigUInt64LE(partition.attributes, 48);
  entry.write(partition.name, 56, 'utf16le');
}

/** One partition of its own type over the whole disk, so that programs which know only MBR leave it alone. */
function protectiveMbr(sectors: number): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  const entry = bytes.subarray(446, 462);
  entry.set([0x00, 0x00, 0x02, 0x00, PROTECTIVE_MBR_TYPE, 0xff, 0xff, 0xff]);
  entry.writeUInt32LE(1, 8);
  entry.writeUInt32LE(Math.min(sectors - 1, 0xffff_ffff), 12);
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

function assertTable(table: GptTable): void {
  const { sectors, partitions } = table;
  if (!Number.isSafeInteger(sectors) || sectors < PRIMARY_SECTORS + BACKUP_SECTORS + 1)
    throw new RangeError(`disk of ${sectors} sectors is too small`);
  if (partitions.length > ENTRY_COUNT) throw new RangeError(`${partitions.length} partitions; at most ${ENTRY_COUNT} fit`);
  let free = FIRST_USABLE_LBA;
  for (const { firstLba, lastLba, name } of [...partitions].sort((a, b) => a.firstLba - b.firstLba)) {
    if (name.length > MAX_NAME_UNITS) throw new RangeError(`partition name "${name}" is longer than ${MAX_NAME_UNITS} units`);
    if (!Number.isSafeInteger(firstLba) || !Number.isSafeInteger(lastLba) || lastLba < firstLba)
      throw new RangeError(`partition "${name}" is empty`);
    if (firstLba < free || lastLba > lastUsableLba(sectors)) throw new RangeError(`partition "${name}" overlaps another one or the tables`);
    free = lastLba + 1;
  }
}
