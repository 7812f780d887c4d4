import type { FileHandle } from 'node:fs/promises';
import { FIRST_CLUSTER, SECTOR_BYTES, decodeBootSector } from '@ict/image-parts';
import { diskError } from './errors.js';

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
  const volume = decodeBootSector(sector, availableBytes);
  if (volume === undefined) throw missing();
  const { clusters, clusterBytes, dataOffset, tableOffset } = volume;
  const entryBytes = volume.width === 32 ? 4 : 2;
  const tableBytes = (clusters + FIRST_CLUSTER) * entryBytes;
  if (tableBytes > volume.tableBytes) throw missing();
  const table = Buffer.alloc(tableBytes);
  const { bytesRead } = await file.read(table, 0, tableBytes, offset + tableOffset);
  if (bytesRead !== tableBytes) throw missing();
  return { clusterBytes, clusters, usedClusters: lastUsed(table, clusters, entryBytes), dataOffset };
}

function lastUsed(table: Buffer, clusters: number, entryBytes: 2 | 4): number {
  let last = clusters;
  while (last > 0 && table.readUIntLE((last - 1 + FIRST_CLUSTER) * entryBytes, entryBytes) === 0) last--;
  return last;
}
