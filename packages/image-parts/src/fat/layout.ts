import { SECTOR_BYTES } from '../gpt.js';
import { DIRECTORY_ENTRY_BYTES } from './directory-entry.js';

/** Widths of file allocation tables that firmware reads. */
export type FatWidth = 16 | 32;

const MIB = 1024 * 1024;
/** Below this a FAT32 has fewer than 65525 clusters, and firmware takes it for FAT16. */
export const FAT32_MINIMUM_BYTES = 34 * MIB;
/** A FAT32 counts its sectors in 32 bits. */
export const FAT32_MAXIMUM_BYTES = (2 ** 32 - 1) * SECTOR_BYTES;
/** Between these a FAT16 of usual cluster sizes has a cluster count that means FAT16; 2 GiB are three clusters too many. */
export const FAT16_MINIMUM_BYTES = 9 * MIB;
export const FAT16_MAXIMUM_BYTES = 2047 * MIB;

/** A reader tells FAT12, FAT16 and FAT32 apart by nothing but the number of clusters; a number of a cluster has 28 bits in FAT32. */
export const CLUSTERS: Readonly<Record<FatWidth, { readonly least: number; readonly most: number }>> = {
  16: { least: 4085, most: 65_524 },
  32: { least: 65_525, most: 0x0fff_fff5 },
};
const FAT32_RESERVED_SECTORS = 32;
const FAT16_RESERVED_SECTORS = 1;
/** Sectors of a cluster, in the order in which they are tried. */
const CLUSTER_SECTORS = [8, 4, 2, 1, 16, 32, 64];
/** Entries of a FAT16's root directory, which has a place of its own, as other programs make it. */
const USUAL_ROOT_ENTRIES = 512;
/** The most that it may have: whole sectors of them, counted in 16 bits. */
export const MAX_FAT16_ROOT_ENTRIES = 65_520;
/** Both tables are the same. */
export const FAT_COPIES = 2;
/** The first two entries of a table belong to no cluster. */
export const FIRST_CLUSTER = 2;

/** Where everything lies in a FAT filesystem; sectors are counted from its start. */
export interface FatLayout {
  readonly width: FatWidth;
  readonly sectors: number;
  readonly reservedSectors: number;
  /** Of one table. */
  readonly fatSectors: number;
  /** Room for entries of the root directory; 0 where it lies in clusters like any other. */
  readonly rootEntries: number;
  readonly clusterSectors: number;
  readonly clusters: number;
  /** First sector of the first cluster: a multiple of {@link FatLayout.clusterSectors}. */
  readonly dataSector: number;
}

/**
 * Lays a FAT filesystem out, with clusters of 4 KiB where that gives a number of them that readers take for this width, else of the nearest
 * size that does.
 *
 * @param sizeBytes between the least and the most of its width: others there is no layout for.
 * @param rootEntries that the root directory has.
 * @see Microsoft, FAT: General Overview of On-Disk Format, "FAT type determination"
 */
export function layOutFat(width: FatWidth, sizeBytes: number, rootEntries: number): FatLayout {
  const sectors = Math.floor(sizeBytes / SECTOR_BYTES);
  const { least, most } = CLUSTERS[width];
  for (const clusterSectors of CLUSTER_SECTORS) {
    const layout = layOutClusters(width, sectors, rootEntries, clusterSectors);
    if (layout.clusters >= least && layout.clusters <= most) return layout;
  }
  throw new RangeError(`there is no FAT${width} of ${sizeBytes} bytes`);
}

function layOutClusters(width: FatWidth, sectors: number, rootEntries: number, clusterSectors: number): FatLayout {
  const perSector = SECTOR_BYTES / DIRECTORY_ENTRY_BYTES;
  const rootSectors = width === 32 ? 0 : Math.ceil(Math.max(USUAL_ROOT_ENTRIES, rootEntries) / perSector);
  const least = width === 32 ? FAT32_RESERVED_SECTORS : FAT16_RESERVED_SECTORS;
  const clustersWith = (fat: number): number => Math.floor((sectors - least - rootSectors - FAT_COPIES * fat) / clusterSectors);
  const tableFor = (clusters: number): number => Math.ceil(((clusters + FIRST_CLUSTER) * (width / 8)) / SECTOR_BYTES);
  let fatSectors = tableFor(clustersWith(0));
  while (tableFor(clustersWith(fatSectors - 1)) <= fatSectors - 1) fatSectors--;
  // Clusters begin where a cluster would, counted from the start, so that none lies across two blocks of the medium.
  const over = (least + FAT_COPIES * fatSectors + rootSectors) % clusterSectors;
  const reservedSectors = least + (over === 0 ? 0 : clusterSectors - over);
  const dataSector = reservedSectors + FAT_COPIES * fatSectors + rootSectors;
  const clusters = Math.floor((sectors - dataSector) / clusterSectors);
  return { width, sectors, reservedSectors, fatSectors, rootEntries: rootSectors * perSector, clusterSectors, clusters, dataSector };
}
