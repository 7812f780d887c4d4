import { SECTOR_BYTES } from '../gpt.js';
import { DIRECTORY_ENTRY_BYTES } from './directory-entry.js';
import { CLUSTERS, FIRST_CLUSTER } from './layout.js';

const MAXIMUM_SECTOR_BYTES = 4096;

/** Where a FAT filesystem that is there has its parts; offsets are in bytes from its start. */
export interface FatVolume {
  readonly width: 12 | 16 | 32;
  readonly sizeBytes: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  /** The first table, and what it has room for. */
  readonly tableOffset: number;
  readonly tableBytes: number;
  /** Start of the first cluster. */
  readonly dataOffset: number;
  /** Of FAT12 and FAT16 the root directory lies in no cluster. */
  readonly root: { readonly offset: number; readonly sizeBytes: number } | { readonly cluster: number };
  readonly volumeId: number;
}

/**
 * Reads the boot sector of a FAT filesystem, which lies within `availableBytes`, and its tables and clusters within it, so that what is read of
 * it is bounded.
 *
 * @param sector the first 512 bytes.
 * @returns undefined when there is none.
 * @see Microsoft, FAT: General Overview of On-Disk Format, "Boot Sector and BPB"
 */
export function decodeBootSector(sector: Buffer, availableBytes: number): FatVolume | undefined {
  const sectorBytes = sector.readUInt16LE(11);
  const clusterSectors = sector.readUInt8(13);
  const isSound = isPowerOfTwo(sectorBytes) && sectorBytes >= SECTOR_BYTES && sectorBytes <= MAXIMUM_SECTOR_BYTES;
  if (sector.readUInt16LE(510) !== 0xaa55 || !isSound || !isPowerOfTwo(clusterSectors)) return undefined;
  const [reservedSectors, tables] = [sector.readUInt16LE(14), sector.readUInt8(16)];
  const sectors = sector.readUInt16LE(19) || sector.readUInt32LE(32);
  const tableSectors = sector.readUInt16LE(22) || sector.readUInt32LE(36);
  const rootBytes = sector.readUInt16LE(17) * DIRECTORY_ENTRY_BYTES;
  const rootSector = reservedSectors + tables * tableSectors;
  const dataSector = rootSector + Math.ceil(rootBytes / sectorBytes);
  const clusters = Math.floor((sectors - dataSector) / clusterSectors);
  const width = clusters < CLUSTERS[16].least ? 12 : clusters < CLUSTERS[32].least ? 16 : 32;
  const fits = sectors * sectorBytes <= availableBytes && ((clusters + FIRST_CLUSTER) * width) / 8 <= tableSectors * sectorBytes;
  if (reservedSectors === 0 || tables === 0 || clusters < 1 || !fits) return undefined;
  return {
    width,
    sizeBytes: sectors * sectorBytes,
    clusterBytes: clusterSectors * sectorBytes,
    clusters,
    tableOffset: reservedSectors * sectorBytes,
    tableBytes: tableSectors * sectorBytes,
    dataOffset: dataSector * sectorBytes,
    root: width === 32 ? { cluster: sector.readUInt32LE(44) } : { offset: rootSector * sectorBytes, sizeBytes: rootBytes },
    volumeId: sector.readUInt32LE(width === 32 ? 67 : 39),
  };
}

function isPowerOfTwo(number: number): boolean {
  return number > 0 && (number & (number - 1)) === 0;
}
