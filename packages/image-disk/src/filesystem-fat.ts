import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFully } from '@ict/image-parts';
import type { BuildContext, ContentPlace, TreePath, TreeRef } from '@ict/plugin-api';
import { diskError } from './errors.js';
import { BACKUP_BOOT_SECTOR, INFO_SECTOR, encodeBootSector, encodeInfoSector, encodeLabel, firstEntries } from './fat/boot-sector.js';
import { DIRECTORY_ATTRIBUTE, FILE_ATTRIBUTE, VOLUME_LABEL_ATTRIBUTE, DIRECTORY_ENTRY_BYTES, encodeEntry } from './fat/directory-entry.js';
import { planDirectories, type PlannedDirectory } from './fat/directory-plan.js';
import { fatFileError } from './fat/fat-file-error.js';
import { FAT_COPIES, FIRST_CLUSTER, MAX_FAT16_ROOT_ENTRIES, layOutFat, type FatLayout } from './fat/layout.js';
import { encodeLongName, isShort, shortNames } from './fat/names.js';
import type { FatWidth } from './filesystem-kinds.js';
import { SECTOR_BYTES } from './gpt.js';
import type { PartitionIdentity } from './identity.js';
import { mebibytes } from './filesystem-ext.js';

/** Bumped when the same request gives other bytes. */
export const FAT_VERSION = 4;

/** Longest FAT label, in bytes. */
export const FAT_LABEL_BYTES = 11;

/** Where a file of a FAT filesystem comes from: the tree, or the staging directory on the host. */
export interface FatFile {
  /** Absolute path in the filesystem. */
  readonly target: string;
  readonly from: 'tree' | 'stage';
  /** Absolute path in the tree, or below the staging directory. */
  readonly source: string;
  readonly sizeBytes: number;
}

export interface FatRequest {
  /** Partition id, for messages. */
  readonly partition: string;
  readonly width: FatWidth;
  readonly identity: PartitionIdentity;
  readonly label?: string;
  readonly tree: TreeRef;
  /** Host directory that files with `from: 'stage'` lie in; they are small. */
  readonly stage: string;
  readonly files: readonly FatFile[];
  /** Directories to make even when no file is in them. */
  readonly directories: readonly string[];
  /** Host directory and name of the disk image, which holds zeros where the filesystem goes. */
  readonly directory: string;
  readonly file: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** Where something lies: its first cluster, 0 for nothing, and how many follow each other. */
interface Place {
  readonly cluster: number;
  readonly clusters: number;
}

/** A filesystem whose every cluster is given out. */
interface PlannedFat {
  readonly layout: FatLayout;
  readonly directories: readonly PlannedDirectory<FatFile>[];
  readonly directoryAt: ReadonlyMap<PlannedDirectory<FatFile>, Place>;
  readonly fileAt: ReadonlyMap<FatFile, Place>;
  readonly usedClusters: number;
}

/**
 * Writes a FAT filesystem with files straight into a disk image.
 *
 * Directories and files follow each other without a gap, in the order of their paths; every time is
 * the build's epoch in UTC. So the bytes depend on the request and the contents alone.
 *
 * @see Microsoft, FAT: General Overview of On-Disk Format, version 1.03
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, naming the partition, what is needed and what it has; `ICT_DISK_FAT_FILE`.
 */
export async function writeFat(request: FatRequest, ctx: BuildContext): Promise<void> {
  const planned = planFat(request);
  const contents = [...planned.fileAt].flatMap(([{ from, source }, { cluster, clusters }]): ContentPlace[] =>
    from === 'stage' || clusters === 0
      ? []
      : [{ path: source as TreePath, offsetBytes: request.offsetBytes + clusterOffset(planned.layout, cluster) }],
  );
  await ctx.trees.place(request.tree, contents, join(request.directory, request.file));
  await using image = await open(join(request.directory, request.file), 'r+');
  await writeTables(image, request, planned);
  for (const directory of planned.directories) {
    const bytes = encodeDirectory(directory, planned, request.label, ctx.epochSeconds);
    await write(image, request, bytes, directoryOffset(directory, planned));
  }
  for (const [file, { cluster, clusters }] of planned.fileAt) {
    if (file.from === 'stage' && clusters > 0)
      await write(image, request, await readFile(join(request.stage, file.source)), clusterOffset(planned.layout, cluster));
  }
}

function planFat(request: FatRequest): PlannedFat {
  const { width, sizeBytes, files, label, partition } = request;
  const directories = planDirectories(files, request.directories, partition, label !== undefined);
  const [root] = directories as [PlannedDirectory<FatFile>];
  if (width === 16 && root.entries > MAX_FAT16_ROOT_ENTRIES)
    throw fatFileError('/', partition, 'has more files than the root directory of a FAT16 can hold');
  const layout = layOutFat(width, sizeBytes, root.entries);
  const clusterBytes = layout.clusterSectors * SECTOR_BYTES;
  let next = FIRST_CLUSTER;
  const give = (bytes: number): Place => {
    const clusters = Math.ceil(bytes / clusterBytes);
    const cluster = clusters === 0 ? 0 : next;
    next += clusters;
    return { cluster, clusters };
  };
  const directoryAt = new Map<PlannedDirectory<FatFile>, Place>();
  for (const directory of directories) {
    // Even an empty directory has a cluster; the root of a FAT16 lies elsewhere.
    const placed = directory !== root || width === 32;
    directoryAt.set(directory, placed ? give(Math.max(1, directory.entries * DIRECTORY_ENTRY_BYTES)) : { cluster: 0, clusters: 0 });
  }
  const fileAt = new Map<FatFile, Place>();
  for (const directory of directories) for (const file of directory.files.values()) fileAt.set(file, give(file.sizeBytes));
  const usedClusters = next - FIRST_CLUSTER;
  if (usedClusters > layout.clusters) throw noSpace(request, usedClusters * clusterBytes, layout.clusters * clusterBytes);
  return { layout, directories, directoryAt, fileAt, usedClusters };
}

function noSpace({ partition, files, sizeBytes }: FatRequest, neededBytes: number, availableBytes: number): Error {
  const largest = [...files].sort((a, b) => b.sizeBytes - a.sizeBytes || (a.target < b.target ? -1 : 1)).slice(0, 3);
  return diskError('ICT_DISK_NO_SPACE', {
    message: `the files of partition "${partition}" do not fit: they need ${mebibytes(neededBytes)}, and its FAT filesystem has ${mebibytes(availableBytes)}`,
    hint: `Make partition "${partition}" at least ${mebibytes(neededBytes - availableBytes + sizeBytes)} large. Its largest files: ${largest
      .map((file) => `${file.target} (${mebibytes(file.sizeBytes)})`)
      .join(', ')}.`,
    facts: { partition, neededBytes, availableBytes },
  });
}

async function writeTables(image: FileHandle, request: FatRequest, planned: PlannedFat): Promise<void> {
  const { layout, usedClusters } = planned;
  const { identity, label, offsetBytes } = request;
  const boot = encodeBootSector(layout, { volumeId: identity.volumeId, label, hiddenSectors: offsetBytes / SECTOR_BYTES });
  const put = (bytes: Buffer, sector: number): Promise<void> => write(image, request, bytes, sector * SECTOR_BYTES);
  await put(boot, 0);
  if (layout.width === 32) {
    const info = encodeInfoSector(layout, usedClusters);
    await put(info, INFO_SECTOR);
    await put(boot, BACKUP_BOOT_SECTOR);
    await put(info, BACKUP_BOOT_SECTOR + INFO_SECTOR);
  }
  const table = encodeTable(planned);
  for (let copy = 0; copy < FAT_COPIES; copy++) await put(table, layout.reservedSectors + copy * layout.fatSectors);
}

/** The part of the allocation table that is not zeros. */
function encodeTable({ layout, usedClusters, directoryAt, fileAt }: PlannedFat): Buffer {
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

function encodeDirectory(directory: PlannedDirectory<FatFile>, planned: PlannedFat, label: string | undefined, seconds: number): Buffer {
  const { directoryAt, fileAt } = planned;
  const clusterOf = (of: PlannedDirectory<FatFile>): number => (directoryAt.get(of) as Place).cluster;
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
function directoryOffset(directory: PlannedDirectory<FatFile>, { layout, directoryAt }: PlannedFat): number {
  const { cluster } = directoryAt.get(directory) as Place;
  return cluster === 0 ? (layout.reservedSectors + FAT_COPIES * layout.fatSectors) * SECTOR_BYTES : clusterOffset(layout, cluster);
}

function clusterOffset({ dataSector, clusterSectors }: FatLayout, cluster: number): number {
  return (dataSector + (cluster - FIRST_CLUSTER) * clusterSectors) * SECTOR_BYTES;
}

async function write(image: FileHandle, { offsetBytes }: FatRequest, bytes: Buffer, at: number): Promise<void> {
  await writeFully(image, bytes, offsetBytes + at);
}
