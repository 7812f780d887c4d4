import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext, ToolMount, TreeRef } from '@ict/plugin-api';
import { diskError } from './errors.js';
import type { FatWidth } from './filesystem-kinds.js';
import { SECTOR_BYTES } from './gpt.js';
import type { PartitionIdentity } from './identity.js';
import { readFatGeometry } from './fat-geometry.js';
import { mebibytes } from './filesystem-ext.js';

/** Bumped when the same request gives other bytes. */
export const FAT_VERSION = 1;

/** Longest FAT label, in bytes. */
export const FAT_LABEL_BYTES = 11;
const DIRECTORY_ENTRY_BYTES = 32;
const LONG_NAME_UNITS = 13;

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
  /** Host directory that files with `from: 'stage'` lie in. */
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

/** One program to run: `mmd`, or `mcopy` into one directory. */
export interface FatCommand {
  readonly argv: readonly string[];
}

/**
 * Writes a FAT filesystem with files straight into a disk image.
 *
 * Order, times and serial number are fixed, so that the bytes depend on the request alone: directories and files are written in
 * the order of their paths, and every time is the build's epoch in UTC.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, naming the partition, what is needed and what it has.
 */
export async function writeFat(request: FatRequest, ctx: BuildContext): Promise<void> {
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: `${Math.max(ctx.epochSeconds, EARLIEST_FAT_SECONDS)}`,
    MTOOLS_SKIP_CHECK: '1',
    MTOOLSRC: '/dev/null',
  };
  const mounts: ToolMount[] = [
    { source: request.tree, at: '/tree' },
    { source: request.stage, at: '/stage' },
    { source: request.directory, at: '/disk', writable: true },
  ];
  const following = fillCommands(request).map(({ argv }) => argv);
  try {
    await ctx.tools.run({ argv: formatCommand(request), following, env, mounts });
  } catch (error) {
    ctx.signal.throwIfAborted();
    // Where the filesystem was not even made, its size is not known.
    throw (await lackOfSpace(request).catch(() => undefined)) ?? error;
  }
  const lack = await lackOfSpace(request);
  if (lack !== undefined) throw lack;
}

/** FAT counts years from 1980. */
const EARLIEST_FAT_SECONDS = 315_532_800;

function formatCommand(request: FatRequest): readonly string[] {
  const start = request.offsetBytes / SECTOR_BYTES;
  return [
    ...['mkfs.vfat', '--invariant', '-F', `${request.width}`, '-S', `${SECTOR_BYTES}`, '-i', request.identity.volumeId],
    ...(request.label === undefined ? [] : ['-n', request.label]),
    ...['-s', `${sectorsPerCluster(request.width, Math.floor(request.sizeBytes / SECTOR_BYTES))}`],
    ...['-h', `${start}`, '--offset', `${start}`, `/disk/${request.file}`, `${Math.floor(request.sizeBytes / 1024)}`],
  ];
}

/** A reader tells FAT12, FAT16 and FAT32 apart by nothing but the number of clusters: these are the limits of FAT16. */
const FAT16_CLUSTERS = { least: 4085, most: 65_524 };
const FAT32_RESERVED_SECTORS = 32;
const LARGEST_CLUSTER_SECTORS = 64;

/**
 * Sectors of a cluster: 8 (4 KiB) where that gives a number of clusters that readers take for this width, else the nearest size that
 * does. mkfs.vfat would choose by the size of the whole disk image, and firmware then refuses the filesystem.
 *
 * @see Microsoft, FAT: General Overview of On-Disk Format, "FAT type determination"
 */
export function sectorsPerCluster(width: FatWidth, sectors: number): number {
  const fits = (size: number): boolean => {
    const fatSectors = Math.ceil(((sectors / size) * (width / 8)) / SECTOR_BYTES);
    const clusters = Math.floor((sectors - FAT32_RESERVED_SECTORS - 2 * fatSectors) / size);
    return width === 32 ? clusters > FAT16_CLUSTERS.most : clusters >= FAT16_CLUSTERS.least && clusters <= FAT16_CLUSTERS.most;
  };
  const smaller = [8, 4, 2, 1].find(fits);
  if (smaller !== undefined) return smaller;
  for (let size = 16; size <= LARGEST_CLUSTER_SECTORS; size *= 2) if (fits(size)) return size;
  return width === 32 ? 1 : LARGEST_CLUSTER_SECTORS;
}

/** Commands that fill a fresh filesystem: all directories at once, then each directory's files at once, in the order of their paths. */
export function fillCommands(request: Pick<FatRequest, 'files' | 'directories' | 'file' | 'offsetBytes'>): readonly FatCommand[] {
  const image = ['-i', `/disk/${request.file}@@${request.offsetBytes}`];
  const directories = allDirectories(request);
  const commands: FatCommand[] = directories.length === 0 ? [] : [{ argv: ['mmd', ...image, ...directories.map((path) => `::${path}`)] }];
  for (const directory of ['', ...directories]) {
    const here = request.files.filter((file) => parentOf(file.target) === directory).sort((a, b) => compare(a.target, b.target));
    const sameName: string[] = [];
    for (const file of here) {
      const source = file.from === 'tree' ? `/tree${file.source}` : `/stage${file.source}`;
      if (nameOf(file.source) === nameOf(file.target)) sameName.push(source);
      else commands.push({ argv: ['mcopy', ...image, source, `::${file.target}`] });
    }
    if (sameName.length > 0) commands.push({ argv: ['mcopy', ...image, ...sameName, `::${directory}/`] });
  }
  return commands;
}

function allDirectories(request: Pick<FatRequest, 'files' | 'directories'>): readonly string[] {
  const found = new Set<string>();
  for (let path of [...request.directories, ...request.files.map((file) => parentOf(file.target))]) {
    for (; path !== '' && path !== '/'; path = parentOf(path)) found.add(path);
  }
  return [...found].sort(compare);
}

/** Compares what the files take with the clusters that the new filesystem has. @returns undefined when they fit. */
async function lackOfSpace(request: FatRequest): Promise<Error | undefined> {
  await using image = await open(join(request.directory, request.file), 'r');
  const { clusterBytes, clusters } = await readFatGeometry(image, request.offsetBytes, request.partition);
  const directories = allDirectories(request);
  const clustersFor = (bytes: number): number => Math.ceil(bytes / clusterBytes);
  let needed = request.width === 32 ? Math.max(1, clustersFor(entriesIn(request, directories, '') * DIRECTORY_ENTRY_BYTES)) : 0;
  for (const path of directories) needed += Math.max(1, clustersFor((2 + entriesIn(request, directories, path)) * DIRECTORY_ENTRY_BYTES));
  for (const file of request.files) needed += clustersFor(file.sizeBytes);
  if (needed <= clusters) return undefined;
  const neededBytes = needed * clusterBytes;
  const availableBytes = clusters * clusterBytes;
  const largest = [...request.files].sort((a, b) => b.sizeBytes - a.sizeBytes || compare(a.target, b.target)).slice(0, 3);
  return diskError('ICT_DISK_NO_SPACE', {
    message: `the files of partition "${request.partition}" do not fit: they need ${mebibytes(neededBytes)}, and its FAT filesystem has ${mebibytes(availableBytes)}`,
    hint: `Make partition "${request.partition}" at least ${mebibytes(neededBytes - availableBytes + request.sizeBytes)} large. Its largest files: ${largest
      .map((file) => `${file.target} (${mebibytes(file.sizeBytes)})`)
      .join(', ')}.`,
    facts: { partition: request.partition, neededBytes, availableBytes },
  });
}

/** Directory entries that the names below a directory take: one each, and more for long names. */
function entriesIn(request: FatRequest, directories: readonly string[], parent: string): number {
  const names = [...directories, ...request.files.map((file) => file.target)].filter((path) => parentOf(path) === parent).map(nameOf);
  return names.reduce((sum, name) => sum + 1 + Math.ceil(name.length / LONG_NAME_UNITS), parent === '' ? 1 : 0);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
