import { SECTOR_BYTES } from '../gpt.js';
import { DIRECTORY_ENTRY_BYTES } from './directory-entry.js';
import { planDirectories, type PlacedFile, type PlannedDirectory } from './directory-plan.js';
import { FIRST_CLUSTER, MAX_FAT16_ROOT_ENTRIES, layOutFat, type FatLayout, type FatWidth } from './layout.js';

/** Makes the errors that tell what a FAT cannot hold, in the words of who asks for one. */
export interface FatRefusal {
  /** @param path in the filesystem. @param reason follows "it". */
  file(path: string, reason: string): Error;
  /** For files that do not fit. */
  space(neededBytes: number, availableBytes: number): Error;
}

export interface FatRequest<F extends PlacedFile> {
  readonly width: FatWidth;
  readonly sizeBytes: number;
  readonly label?: string;
  readonly files: readonly F[];
  /** Directories to make even when no file is in them. */
  readonly directories: readonly string[];
  readonly refusal: FatRefusal;
}

/** Where something lies: its first cluster, 0 for nothing, and how many follow each other. */
export interface Place {
  readonly cluster: number;
  readonly clusters: number;
}

/** A filesystem whose every cluster is given out. */
export interface PlannedFat<F extends PlacedFile> {
  readonly layout: FatLayout;
  readonly label: string | undefined;
  readonly directories: readonly PlannedDirectory<F>[];
  readonly directoryAt: ReadonlyMap<PlannedDirectory<F>, Place>;
  readonly fileAt: ReadonlyMap<F, Place>;
  readonly usedClusters: number;
}

/**
 * Gives directories and files their clusters: they follow each other without a gap, in the order of their paths, each in one piece.
 *
 * @throws what `refusal` makes.
 */
export function planFat<F extends PlacedFile>(request: FatRequest<F>): PlannedFat<F> {
  const { width, sizeBytes, files, label, refusal } = request;
  const directories = planDirectories(files, request.directories, label !== undefined, refusal.file);
  const [root] = directories as [PlannedDirectory<F>];
  if (width === 16 && root.entries > MAX_FAT16_ROOT_ENTRIES)
    throw refusal.file('/', 'has more files than the root directory of a FAT16 can hold');
  const layout = layOutFat(width, sizeBytes, root.entries);
  const clusterBytes = layout.clusterSectors * SECTOR_BYTES;
  let next = FIRST_CLUSTER;
  const give = (bytes: number): Place => {
    const clusters = Math.ceil(bytes / clusterBytes);
    const cluster = clusters === 0 ? 0 : next;
    next += clusters;
    return { cluster, clusters };
  };
  const directoryAt = new Map<PlannedDirectory<F>, Place>();
  for (const directory of directories) {
    // Even an empty directory has a cluster; the root of a FAT16 lies elsewhere.
    const placed = directory !== root || width === 32;
    directoryAt.set(directory, placed ? give(Math.max(1, directory.entries * DIRECTORY_ENTRY_BYTES)) : { cluster: 0, clusters: 0 });
  }
  const fileAt = new Map<F, Place>();
  for (const directory of directories) for (const file of directory.files.values()) fileAt.set(file, give(file.sizeBytes));
  const usedClusters = next - FIRST_CLUSTER;
  if (usedClusters > layout.clusters) throw refusal.space(usedClusters * clusterBytes, layout.clusters * clusterBytes);
  return { layout, label, directories, directoryAt, fileAt, usedClusters };
}

/** Where the content of each file goes that has any, in bytes from the start of the filesystem. */
export function contentOffsets<F extends PlacedFile>({ layout, fileAt }: PlannedFat<F>): ReadonlyMap<F, number> {
  return new Map(
    [...fileAt].flatMap(([file, { cluster, clusters }]) => (clusters === 0 ? [] : [[file, clusterOffset(layout, cluster)] as const])),
  );
}

/** Start of a cluster, in bytes from the start of the filesystem. */
export function clusterOffset({ dataSector, clusterSectors }: FatLayout, cluster: number): number {
  return (dataSector + (cluster - FIRST_CLUSTER) * clusterSectors) * SECTOR_BYTES;
}
