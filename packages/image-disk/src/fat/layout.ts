import type { FatWidth } from '../filesystem-kinds.js';
import { SECTOR_BYTES } from '../gpt.js';
import { DIRECTORY_ENTRY_BYTES } from './directory-entry.js';

/** A reader tells FAT12, FAT16 and FAT32 apart by nothing but the number of clusters: these are the limits of FAT16. */
const FAT16_CLUSTERS = { least: 4085, most: 65_524 };
const FAT32_RESERVED_SECTORS = 32;
const FAT16_RESERVED_SECTORS = 1;
const LARGEST_CLUSTER_SECTORS = 64;
/** Entries of a FAT16's root directory, which has a place of its own, as other programs make it. */
const USUAL_ROOT_ENTRIES = 512;
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
 * Lays a FAT filesystem out.
 *
 * @param rootEntries that the root directory has.
 */
export function layOutFat(width: FatWidth, sizeBytes: number, rootEntries: number): FatLayout {
  const sectors = Math.floor(sizeBytes / SECTOR_BYTES);
  const clusterSectors = sectorsPerCluster(width, sectors);
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

/**
 * Sectors of a cluster: 8 (4 KiB) where that gives a number of clusters that readers take for this width, else the nearest size that
 * does.
 *
 * @see Microsoft, FAT: General Overview of On-Disk Format, "FAT type determination"
 */
export function sectorsPerCluster(width: FatWidth, sectors: number): number {
  const fits = (size: number): boolean => {
    const fatSectors = Math.ceil(((sectors / size) * (width / 8)) / SECTOR_BYTES);
    const clusters = Math.floor((sectors - FAT32_RESERVED_SECTORS - FAT_COPIES * fatSectors) / size);
    return width === 32 ? clusters > FAT16_CLUSTERS.most : clusters >= FAT16_CLUSTERS.least && clusters <= FAT16_CLUSTERS.most;
  };
  const smaller = [8, 4, 2, 1].find(fits);
  if (smaller !== undefined) return smaller;
  for (let size = 16; size <= LARGEST_CLUSTER_SECTORS; size *= 2) if (fits(size)) return size;
  return width === 32 ? 1 : LARGEST_CLUSTER_SECTORS;
}
