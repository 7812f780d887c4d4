import { SECTOR_BYTES } from '../gpt.js';
import { FAT_COPIES, type FatLayout } from './layout.js';

/** Sectors of a FAT32's own: what is free, and copies of that and of the boot sector. */
export const INFO_SECTOR = 1;
export const BACKUP_BOOT_SECTOR = 6;
/** Cluster that a FAT32's root directory begins with. */
export const ROOT_CLUSTER = 2;
const FIXED_DISK = 0xf8;
/** Longest label of a volume, in bytes. */
export const FAT_LABEL_BYTES = 11;
/** Asks the firmware for the next device: nobody starts from this sector. */
const BOOT_CODE = Buffer.from([0xcd, 0x18, 0xeb, 0xfc]);

export interface VolumeIdentity {
  /** 8 hexadecimal digits. */
  readonly volumeId: string;
  /** Sectors of the disk in front of the filesystem. */
  readonly hiddenSectors: number;
}

/** A label as FAT stores it. */
export function encodeLabel(label: string): Buffer {
  return Buffer.from(label.padEnd(FAT_LABEL_BYTES), 'latin1');
}

/** @see Microsoft, FAT: General Overview of On-Disk Format, "Boot Sector and BPB" */
export function encodeBootSector(layout: FatLayout, { volumeId, hiddenSectors }: VolumeIdentity, label: string | undefined): Buffer {
  const { width, sectors, reservedSectors, fatSectors, rootEntries, clusterSectors } = layout;
  const sector = Buffer.alloc(SECTOR_BYTES);
  const wide = width === 32;
  const codeAt = wide ? 90 : 62;
  sector.set([0xeb, codeAt - 2, 0x90], 0);
  // The name that the specification recommends, as some readers want it.
  sector.write('MSWIN4.1', 3, 'latin1');
  sector.writeUInt16LE(SECTOR_BYTES, 11);
  sector.writeUInt8(clusterSectors, 13);
  sector.writeUInt16LE(reservedSectors, 14);
  sector.writeUInt8(FAT_COPIES, 16);
  sector.writeUInt16LE(rootEntries, 17);
  const small = !wide && sectors <= 0xffff;
  sector.writeUInt16LE(small ? sectors : 0, 19);
  sector.writeUInt8(FIXED_DISK, 21);
  sector.writeUInt16LE(wide ? 0 : fatSectors, 22);
  sector.writeUInt16LE(63, 24);
  sector.writeUInt16LE(255, 26);
  // Behind 2 TiB nothing can be told, and nobody looks.
  sector.writeUInt32LE(hiddenSectors <= 0xffff_ffff ? hiddenSectors : 0, 28);
  sector.writeUInt32LE(small ? 0 : sectors, 32);
  if (wide) {
    sector.writeUInt32LE(fatSectors, 36);
    sector.writeUInt32LE(ROOT_CLUSTER, 44);
    sector.writeUInt16LE(INFO_SECTOR, 48);
    sector.writeUInt16LE(BACKUP_BOOT_SECTOR, 50);
  }
  const own = wide ? 64 : 36;
  sector.writeUInt8(0x80, own);
  sector.writeUInt8(0x29, own + 2);
  sector.writeUInt32LE(Number.parseInt(volumeId, 16), own + 3);
  encodeLabel(label ?? 'NO NAME').copy(sector, own + 7);
  sector.write(`FAT${width}   `, own + 18, 'latin1');
  BOOT_CODE.copy(sector, codeAt);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/**
 * A FAT32's sector about what is free.
 *
 * @param used clusters, which are the first.
 */
export function encodeInfoSector({ clusters }: FatLayout, used: number): Buffer {
  const sector = Buffer.alloc(SECTOR_BYTES);
  sector.writeUInt32LE(0x4161_5252, 0);
  sector.writeUInt32LE(0x6141_7272, 484);
  sector.writeUInt32LE(clusters - used, 488);
  sector.writeUInt32LE(used === clusters ? 0xffff_ffff : ROOT_CLUSTER + used, 492);
  sector.writeUInt32LE(0xaa55_0000, 508);
  return sector;
}

/** First entries of a table, which belong to no cluster: the medium, and that the volume was left in order. */
export function firstEntries(wide: boolean): readonly [number, number] {
  return wide ? [0x0fff_ff00 | FIXED_DISK, 0x0fff_ffff] : [0xff00 | FIXED_DISK, 0xffff];
}
