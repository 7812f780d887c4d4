import { crc32 } from 'node:zlib';
import { digestOf } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import {
  BOOT_CODE_BYTES,
  decodeMbr,
  guidText,
  mbrPartitionTypeName,
  mbrPartuuid,
  partitionTypeName,
  PRIMARY_SECTORS,
  PROTECTIVE_MBR_TYPE,
  SECTOR_BYTES,
} from '@ict/image-parts';
import { fieldText, type Bytes } from './bytes.js';

/** One partition. */
export interface Partition {
  /** As Linux counts them, from 1. */
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** As templates name it where they can; else the GUID, or of an MBR the byte, such as `0x83`. */
  readonly type: string;
  /** What `PARTUUID=` calls it: a GUID, here in upper case, or of an MBR its signature and the number of the partition. */
  readonly id?: string;
  /** Of a GPT, when it is not empty. */
  readonly name?: string;
  /** Bits of a GPT that are set, from 0; undefined when none is. */
  readonly attributes?: readonly number[];
  /** Of an MBR: the partition that is active; absent of the others. */
  readonly active?: true;
}

export interface PartitionTable {
  readonly type: 'gpt' | 'mbr';
  /** GUID of a GPT, upper case, empty where neither copy can be used; signature of an MBR, 8 hexadecimal digits. */
  readonly id: string;
  readonly partitions: readonly Partition[];
  /** SHA-256 of what a BIOS would start and load: all in front of the partitions but the table, up to 1 MiB. Absent when nothing is there. */
  readonly bootCode?: Digest;
  /** What is wrong with it; empty when nothing is. */
  readonly problems: readonly string[];
}

const HEADER_BYTES = 92;
const ENTRY_BYTES = 128;
/** More than any program makes; what is beyond is a damaged header. */
const MOST_ENTRIES = 4096;
/** Where partitions begin, usually. */
const MOST_BOOT_CODE = 1024 * 1024;

/**
 * Reads the partition table of a disk with sectors of 512 bytes.
 *
 * @returns undefined when there is none, as in a filesystem without a disk around it.
 * @see UEFI specification 2.10, section 5
 */
export async function readPartitionTable(disk: Bytes): Promise<PartitionTable | undefined> {
  const table = await readTable(disk);
  const bootCode = table === undefined ? undefined : await digestBootCode(disk, table);
  return table === undefined || bootCode === undefined ? table : { ...table, bootCode };
}

async function digestBootCode(disk: Bytes, { type, partitions }: PartitionTable): Promise<Digest | undefined> {
  const free = (type === 'gpt' ? PRIMARY_SECTORS : 1) * SECTOR_BYTES;
  const end = Math.min(MOST_BOOT_CODE, disk.sizeBytes, ...partitions.map(({ startBytes }) => startBytes));
  const gap = end > free ? await disk.read(free, end - free) : Buffer.alloc(0);
  const code = Buffer.concat([await disk.read(0, BOOT_CODE_BYTES), gap]);
  return code.every((byte) => byte === 0) ? undefined : digestOf(code);
}

async function readTable(disk: Bytes): Promise<PartitionTable | undefined> {
  if (disk.sizeBytes < 2 * SECTOR_BYTES) return undefined;
  const mbr = await disk.read(0, SECTOR_BYTES);
  const last = Math.floor(disk.sizeBytes / SECTOR_BYTES) - 1;
  const primary = await readGpt(disk, 1, last);
  if (typeof primary !== 'string') {
    const backup = await readGpt(disk, last, last);
    const problems = typeof backup === 'string' ? [backupProblem(backup)] : [];
    if (typeof backup !== 'string' && !sameTable(primary, backup)) problems.push('the backup table at the end of the disk says otherwise');
    return { type: 'gpt', ...primary, problems };
  }
  const table = decodeMbr(mbr);
  if (table === undefined) return undefined;
  const { signature, entries } = table;
  if (entries.some(({ type }) => type === PROTECTIVE_MBR_TYPE)) {
    const backup = await readGpt(disk, last, last);
    const problems = [`the table at the start of the disk cannot be used: ${primary}`];
    if (typeof backup !== 'string') return { type: 'gpt', ...backup, problems };
    return { type: 'gpt', id: '', partitions: [], problems: [...problems, backupProblem(backup)] };
  }
  if (entries.some(({ firstLba }) => firstLba > last)) return undefined;
  const partitions = entries.map(({ number, type, isActive, firstLba, sectors }) => ({
    number,
    startBytes: firstLba * SECTOR_BYTES,
    sizeBytes: sectors * SECTOR_BYTES,
    type: mbrPartitionTypeName(type) ?? `0x${type.toString(16).padStart(2, '0')}`,
    id: mbrPartuuid(signature, number),
    ...(isActive ? { active: true as const } : {}),
  }));
  return { type: 'mbr', id: signature, partitions, problems: [] };
}

function backupProblem(why: string): string {
  return `the backup table at the end of the disk cannot be used: ${why}`;
}

/** @returns why it cannot be used, as a text. */
async function readGpt(disk: Bytes, lba: number, last: number): Promise<Pick<PartitionTable, 'id' | 'partitions'> | string> {
  const header = await disk.read(lba * SECTOR_BYTES, SECTOR_BYTES);
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return 'there is no header';
  const unsigned = Buffer.from(header.subarray(0, HEADER_BYTES));
  unsigned.writeUInt32LE(0, 16);
  if (header.readUInt32LE(12) !== HEADER_BYTES || crc32(unsigned) !== header.readUInt32LE(16)) return 'the checksum of its header is wrong';
  const entriesAt = Number(header.readBigUInt64LE(72)) * SECTOR_BYTES;
  const [count, entryBytes] = [header.readUInt32LE(80), header.readUInt32LE(84)];
  const isSound = entryBytes === ENTRY_BYTES && count <= MOST_ENTRIES && entriesAt + count * entryBytes <= (last + 1) * SECTOR_BYTES;
  if (!isSound) return 'its header says what no disk has';
  const entries = await disk.read(entriesAt, count * ENTRY_BYTES);
  if (crc32(entries) !== header.readUInt32LE(88)) return 'the checksum of its entries is wrong';
  const partitions: Partition[] = [];
  for (let index = 0; index < count; index++) {
    const entry = entries.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
    if (entry.subarray(0, 16).every((byte) => byte === 0)) continue;
    const first = Number(entry.readBigUInt64LE(32));
    const type = guidText(entry.subarray(0, 16));
    const attributes = bitsOf(entry.readBigUInt64LE(48));
    const name = fieldText(entry, 56, ENTRY_BYTES, 'utf16le');
    partitions.push({
      number: index + 1,
      startBytes: first * SECTOR_BYTES,
      sizeBytes: (Number(entry.readBigUInt64LE(40)) - first + 1) * SECTOR_BYTES,
      type: partitionTypeName(type) ?? type,
      id: guidText(entry.subarray(16, 32)),
      ...(name === '' ? {} : { name }),
      ...(attributes.length === 0 ? {} : { attributes }),
    });
  }
  return { id: guidText(header.subarray(56, 72)), partitions };
}

function bitsOf(attributes: bigint): readonly number[] {
  return Array.from({ length: 64 }, (_none, bit) => bit).filter((bit) => ((attributes >> BigInt(bit)) & 1n) === 1n);
}

function sameTable(one: Pick<PartitionTable, 'id' | 'partitions'>, other: Pick<PartitionTable, 'id' | 'partitions'>): boolean {
  return JSON.stringify([one.id, one.partitions]) === JSON.stringify([other.id, other.partitions]);
}
