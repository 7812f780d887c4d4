import { SECTOR_BYTES } from '../gpt.js';
import type { PlacedBytes } from '../placed-bytes.js';
import {
  BACKUP_BOOT_SECTOR,
  INFO_SECTOR,
  encodeBootSector,
  encodeInfoSector,
  encodeLabel,
  firstEntries,
  type VolumeIdentity,
} from './boot-sector.js';
import { DIRECTORY_ATTRIBUTE, FILE_ATTRIBUTE, VOLUME_LABEL_ATTRIBUTE, encodeEntry } from './directory-entry.js';
import type { PlacedFile, PlannedDirectory } from './directory-plan.js';
import { clusterOffset, type Place, type PlannedFat } from './fat-plan.js';
import { FAT_COPIES, FIRST_CLUSTER } from './layout.js';
import { encodeLongName, isShort, shortNames } from './names.js';

/** Bumped when the same files give other bytes: belongs to the key of what holds a FAT. */
export const FAT_VERSION = 4;

/**
 * All of a FAT filesystem but the contents of its files, at offsets from its start; what is between is zeros. Every time is the same.
 *
 * @param seconds since 1970, told in UTC.
 * @see Microsoft, FAT: General Overview of On-Disk Format, version 1.03
 */
export function encodeFat<F extends PlacedFile>(planned: PlannedFat<F>, identity: VolumeIdentity, seconds: number): readonly PlacedBytes[] {
  const directories = planned.directories.map((directory) => ({
    offsetBytes: directoryOffset(directory, planned),
    bytes: encodeDirectory(directory, planned, seconds),
  }));
  return [...encodeTables(planned, identity), ...directories];
}

function encodeTables<F extends PlacedFile>(planned: PlannedFat<F>, identity: VolumeIdentity): readonly PlacedBytes[] {
  const { layout, label, usedClusters } = planned;
  const at = (sector: number, bytes: Buffer): PlacedBytes => ({ offsetBytes: sector * SECTOR_BYTES, bytes });
  const boot = encodeBootSector(layout, identity, label);
  const info = encodeInfoSector(layout, usedClusters);
  const wide = [at(INFO_SECTOR, info), at(BACKUP_BOOT_SECTOR, boot), at(BACKUP_BOOT_SECTOR + INFO_SECTOR, info)];
  const table = encodeTable(planned);
  const copies = Array.from({ length: FAT_COPIES }, (_, copy) => at(layout.reservedSectors + copy * layout.fatSectors, table));
  return [at(0, boot), ...(layout.width === 32 ? wide : []), ...copies];
}

/** The part of the allocation table that is not zeros. */
function encodeTable<F extends PlacedFile>({ layout, usedClusters, directoryAt, fileAt }: PlannedFat<F>): Buffer {
  const wide = layout.width === 32;
  const entryBytes = layout.width / 8;
  const table = Buffer.alloc((FIRST_CLUSTER + usedClusters) * entryBytes);
  const set = (cluster: number, value: number): void => void table.writeUIntLE(value, cluster * entryBytes, entryBytes);
  firstEntries(wide).forEach((value, cluster) => set(cluster, value));
  for (const { cluster, clusters } of [...directoryAt.values(), ...fileAt.values()]) {
    for (let at = cluster; at < cluster + clusters - 1; at++) set(at, at + 1);
    if (clusters > 0) set(cluster + clusters - 1, wide ? 0x0fff_ffff : 0xffff);
  }
  return table;
}

function encodeDirectory<F extends PlacedFile>(directory: PlannedDirectory<F>, planned: PlannedFat<F>, seconds: number): Buffer {
  const { label, directoryAt, fileAt } = planned;
  const clusterOf = (of: PlannedDirectory<F>): number => (directoryAt.get(of) as Place).cluster;
  const parts: Buffer[] = [];
  const add = (name: Buffer, attribute: number, cluster: number, sizeBytes: number): void => {
    parts.push(encodeEntry({ name, attribute, cluster, sizeBytes }, seconds));
  };
  const { parent } = directory;
  if (parent === undefined) {
    if (label !== undefined) add(encodeLabel(label), VOLUME_LABEL_ATTRIBUTE, 0, 0);
  } else {
    add(encodeLabel('.'), DIRECTORY_ATTRIBUTE, clusterOf(directory), 0);
    // For the root stands 0, even where it has a cluster.
    add(encodeLabel('..'), DIRECTORY_ATTRIBUTE, parent.parent === undefined ? 0 : clusterOf(parent), 0);
  }
  const names = [...directory.directories.keys(), ...directory.files.keys()].sort();
  const short = shortNames(names);
  for (const name of names) {
    const alias = short.get(name) as Buffer;
    if (!isShort(name)) parts.push(encodeLongName(name, alias));
    const below = directory.directories.get(name);
    const file = directory.files.get(name);
    if (below !== undefined) add(alias, DIRECTORY_ATTRIBUTE, clusterOf(below), 0);
    else if (file !== undefined) add(alias, FILE_ATTRIBUTE, (fileAt.get(file) as Place).cluster, file.sizeBytes);
  }
  return Buffer.concat(parts);
}

/** Where a directory's entries lie, in bytes from the start of the filesystem. */
function directoryOffset<F extends PlacedFile>(directory: PlannedDirectory<F>, { layout, directoryAt }: PlannedFat<F>): number {
  const { cluster } = directoryAt.get(directory) as Place;
  return cluster === 0 ? (layout.reservedSectors + FAT_COPIES * layout.fatSectors) * SECTOR_BYTES : clusterOffset(layout, cluster);
}
