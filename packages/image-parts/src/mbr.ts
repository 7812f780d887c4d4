import { SECTOR_BYTES } from './gpt.js';

/** How many partitions the table has room for. */
export const MBR_PARTITIONS = 4;
/** Sectors that its numbers reach: 2 TiB. */
export const MBR_SECTORS = 2 ** 32;
/** Bytes in front of signature and table, for a program that firmware starts. */
export const BOOT_CODE_BYTES = 440;

const SIGNATURE_AT = 440;
const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const MARK_AT = 510;
const MARK = 0xaa55;
const ACTIVE = 0x80;

/** The disk that firmware of old is told of, in place of the real one: these heads, and sectors of a track. */
const HEADS = 255;
const TRACK_SECTORS = 63;
const LAST_CYLINDER = 1023;

/** One entry of the table. Sectors are logical block addresses; `lastLba` is part of the partition. */
export interface MbrPartition {
  /** A byte, such as 0x83. */
  readonly type: number;
  /** The one that firmware, or a program in its place, starts; at most one is. */
  readonly isActive: boolean;
  readonly firstLba: number;
  readonly lastLba: number;
}

export interface MbrTable {
  /** 8 hexadecimal digits. */
  readonly signature: string;
  /** In table order: the first is partition 1. */
  readonly partitions: readonly MbrPartition[];
}

/** An entry of a table that was read. */
export interface MbrEntry {
  /** From 1, as Linux counts them. */
  readonly number: number;
  readonly type: number;
  readonly isActive: boolean;
  readonly firstLba: number;
  readonly sectors: number;
}

/**
 * Writes the first sector of a disk: a partition table (DOS, MBR) with its signature, and no program.
 *
 * @throws RangeError for more partitions than fit, for one that is empty, overlaps another one or the table, lies beyond 2 TiB, or has the type of an entry that is free, and for a second
 *   active one.
 * @see UEFI specification 2.10, section 5.2
 */
export function encodeMbr(table: MbrTable): Uint8Array {
  assertTable(table);
  const sector = Buffer.alloc(SECTOR_BYTES);
  sector.writeUInt32LE(Number.parseInt(table.signature, 16), SIGNATURE_AT);
  table.partitions.forEach(({ type, isActive, firstLba, lastLba }, index) => {
    const entry = sector.subarray(ENTRIES_AT + index * ENTRY_BYTES);
    entry[0] = isActive ? ACTIVE : 0;
    entry.set(cylinderAddress(firstLba), 1);
    entry[4] = type;
    entry.set(cylinderAddress(lastLba), 5);
    entry.writeUInt32LE(firstLba, 8);
    entry.writeUInt32LE(lastLba - firstLba + 1, 12);
  });
  sector.writeUInt16LE(MARK, MARK_AT);
  return sector;
}

/**
 * Reads the table in the first sector of a disk.
 *
 * @returns its entries in use; undefined when there is no table. The boot sector of a FAT ends with the same mark, and has code where partitions would stand.
 */
export function decodeMbr(sector: Buffer): { readonly signature: string; readonly entries: readonly MbrEntry[] } | undefined {
  if (sector.readUInt16LE(MARK_AT) !== MARK) return undefined;
  const all = Array.from({ length: MBR_PARTITIONS }, (_none, index) => ({
    number: index + 1,
    bytes: sector.subarray(ENTRIES_AT + index * ENTRY_BYTES, ENTRIES_AT + (index + 1) * ENTRY_BYTES),
  }));
  if (all.some(({ bytes }) => bytes[0] !== 0 && bytes[0] !== ACTIVE)) return undefined;
  const entries = all
    .map(({ number, bytes }): MbrEntry => {
      const [firstLba, sectors] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
      return { number, type: bytes.readUInt8(4), isActive: bytes[0] === ACTIVE, firstLba, sectors };
    })
    .filter(({ type }) => type !== 0);
  if (entries.length === 0 || entries.some(({ firstLba }) => firstLba === 0)) return undefined;
  return { signature: sector.readUInt32LE(SIGNATURE_AT).toString(16).padStart(8, '0'), entries };
}

/** A sector by head, sector and cylinder, in the three bytes of an entry; what lies beyond the last cylinder is its last sector. */
function cylinderAddress(lba: number): readonly number[] {
  const track = Math.floor(lba / TRACK_SECTORS);
  const cylinder = Math.floor(track / HEADS);
  const [head, sector, shown] =
    cylinder > LAST_CYLINDER ? [HEADS - 1, TRACK_SECTORS, LAST_CYLINDER] : [track % HEADS, (lba % TRACK_SECTORS) + 1, cylinder];
  return [head, sector | ((shown >> 2) & 0xc0), shown & 0xff];
}

function assertTable({ partitions }: MbrTable): void {
  if (partitions.length > MBR_PARTITIONS) throw new RangeError(`${partitions.length} partitions; at most ${MBR_PARTITIONS} fit`);
  if (partitions.filter(({ isActive }) => isActive).length > 1) throw new RangeError('two partitions are active');
  let free = 1;
  for (const { type, firstLba, lastLba } of [...partitions].sort((a, b) => a.firstLba - b.firstLba)) {
    if (!Number.isSafeInteger(firstLba) || !Number.isSafeInteger(lastLba) || lastLba < firstLba)
      throw new RangeError(`the partition at sector ${firstLba} is empty`);
    if (type === 0) throw new RangeError(`the partition at sector ${firstLba} has no type`);
    if (firstLba < free) throw new RangeError(`the partition at sector ${firstLba} overlaps another one or the table`);
    if (lastLba >= MBR_SECTORS) throw new RangeError(`the partition at sector ${firstLba} ends beyond 2 TiB`);
    free = lastLba + 1;
  }
}
