import {
  BACKUP_SECTORS,
  FAT16_MINIMUM_BYTES,
  SECTOR_BYTES,
  contentOffsets,
  planFat,
  type FatWidth,
  type PlannedFat,
} from '@ict/image-parts';
import { ISO_BLOCK_BYTES } from './iso-9660.js';

/** A file of the image, and where its content comes from. */
export interface IsoContent {
  /** Absolute path. */
  readonly target: string;
  readonly sizeBytes: number;
  readonly from: { readonly text: string } | { readonly path: string } | { readonly initrd: true };
}

/** Where everything lies, in bytes. */
export interface IsoLayout {
  /** Start and size of the EFI System Partition, with which the volume ends. */
  readonly espOffset: number;
  readonly espBytes: number;
  readonly fat: PlannedFat<IsoContent>;
  /** Where contents begin, from the start of the image: whole blocks of ISO 9660. */
  readonly offsets: ReadonlyMap<IsoContent, number>;
  /** Of the whole image: the second partition table stands behind the volume. */
  readonly sizeBytes: number;
}

const MIB = 1024 * 1024;
/** Where partitions begin, as partitioning programs and flash storage expect; in front is room for tables and directories. */
const ESP_OFFSET = MIB;
/** As mkfs.fat does, FAT32 from here on. Below, clusters of a FAT32 could be smaller than a block of ISO 9660; those of a FAT16 are not. */
const FAT32_FROM_BYTES = 512 * MIB;
/** The largest cluster of such filesystems, up to the 4 GiB and more that files come to. */
const CLUSTER_BYTES = 8192;
/** What tables take of a filesystem at most, and what directories, reserved sectors and filling up take beside. */
const TABLES_SHARE = 1 / 500;
const REST_BYTES = 512 * 1024;

/**
 * Lays an ISO image out: tables, then the EFI System Partition with all files, in which those of ISO 9660 are.
 *
 * @param files of less than 4 GiB each, under names that FAT holds.
 */
export function layOutIso(files: readonly IsoContent[]): IsoLayout {
  const contentBytes = files.reduce((sum, { sizeBytes }) => sum + roundUp(sizeBytes, CLUSTER_BYTES), 0);
  const espBytes = Math.max(FAT16_MINIMUM_BYTES, roundUp(contentBytes * (1 + TABLES_SHARE) + REST_BYTES, MIB));
  const width: FatWidth = espBytes < FAT32_FROM_BYTES ? 16 : 32;
  const fat = planFat({
    width,
    sizeBytes: espBytes,
    files,
    directories: [],
    refusal: {
      file: (path, reason) => new RangeError(`${path} ${reason}`),
      space: (neededBytes, availableBytes) => new RangeError(`${neededBytes} bytes do not fit into ${availableBytes}`),
    },
  });
  const offsets = new Map([...contentOffsets(fat)].map(([file, offset]) => [file, ESP_OFFSET + offset]));
  const sizeBytes = roundUp(ESP_OFFSET + espBytes + BACKUP_SECTORS * SECTOR_BYTES, ISO_BLOCK_BYTES);
  return { espOffset: ESP_OFFSET, espBytes, fat, offsets, sizeBytes };
}

function roundUp(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
