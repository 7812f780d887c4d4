import type { FileHandle } from 'node:fs/promises';
import { CLUSTERS, DIRECTORY_ENTRY_BYTES, FIRST_CLUSTER, SECTOR_BYTES } from '@ict/image-parts';
import { diskError } from './errors.js';

const MAXIMUM_SECTOR_BYTES = 4096;

/** Where a FAT filesystem keeps its data. */
export interface FatGeometry {
  readonly clusterBytes: number;
  readonly clusters: number;
  /** Number of the last cluster in use, counted from 1. */
  readonly usedClusters: number;
  /** Start of the first cluster, in bytes from the start of the filesystem. */
  readonly dataOffset: number;
}

/**
 * Reads the boot sector and the first allocation table of a FAT16 or FAT32 that starts `offset` bytes into a file. The filesystem must
 * lie within the file, and its table within the filesystem, so that what is read is bounded by the file's size.
 *
 * @param partition id, for messages.
 * @throws `ICT_DISK_FILESYSTEM` when there is none.
 */
export async function readFatGeometry(file: FileHandle, offset: number, partition: string): Promise<FatGeometry> {
  const missing = (): Error =>
    diskError('ICT_DISK_FILESYSTEM', {
      message: `there is no sound FAT filesystem in partition "${partition}"`,
      hint: 'This is a fault of ICT: please report it.',
      facts: { partition },
    });
  const availableBytes = (await file.stat()).size - offset;
  const sector = Buffer.alloc(SECTOR_BYTES);
  await file.read(sector, 0, SECTOR_BYTES, offset);
  const sectorBytes = sector.readUInt16LE(11);
  const clusterSectors = sector.readUInt8(13);
  const sound = isPowerOfTwo(sectorBytes) && sectorBytes >= SECTOR_BYTES && sectorBytes <= MAXIMUM_SECTOR_BYTES;
  if (sector.readUInt16LE(510) !== 0xaa55 || !sound || !isPowerOfTwo(clusterSectors)) throw missing();
  const reservedSectors = sector.readUInt16LE(14);
  const totalSectors = sector.readUInt16LE(19) || sector.readUInt32LE(32);
  const fatSectors = sector.readUInt16LE(22) || sector.readUInt32LE(36);
  const rootSectors = Math.ceil((sector.readUInt16LE(17) * DIRECTORY_ENTRY_BYTES) / sectorBytes);
  const dataSector = reservedSectors + sector.readUInt8(16) * fatSectors + rootSectors;
  const clusters = Math.floor((totalSectors - dataSector) / clusterSectors);
  const entryBytes = clusters < CLUSTERS[32].least ? 2 : 4;
  const tableBytes = (clusters + FIRST_CLUSTER) * entryBytes;
  const fits = totalSectors * sectorBytes <= availableBytes && reservedSectors + fatSectors <= dataSector;
  if (clusters < 1 || !fits || tableBytes > fatSectors * sectorBytes) throw missing();
  const table = Buffer.alloc(tableBytes);
  const { bytesRead } = await file.read(table, 0, tableBytes, offset + reservedSectors * sectorBytes);
  if (bytesRead !== tableBytes) throw missing();
  return {
    clusterBytes: sectorBytes * clusterSectors,
    clusters,
    usedClusters: lastUsed(table, clusters, entryBytes),
    dataOffset: dataSector * sectorBytes,
  };
}

function lastUsed(table: Buffer, clusters: number, entryBytes: 2 | 4): number {
  let last = clusters;
  while (last > 0 && table.readUIntLE((last - 1 + FIRST_CLUSTER) * entryBytes, entryBytes) === 0) last--;
  return last;
}

function isPowerOfTwo(number: number): boolean {
  return number > 0 && (number & (number - 1)) === 0;
}
