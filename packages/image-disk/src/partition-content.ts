import type { BuildContext, ImageInput, ImageSpec, TreeRef, TreeSession } from '@ict/plugin-api';
import type { TreeFile } from '@ict/image-parts';
import { isBelow, mountedPartitions } from './mount-points.js';
import { isEsp } from './partition-roles.js';
import { systemdBootFiles, type EspContent } from './boot-systemd.js';
import { fatFileError } from './fat-file-error.js';
import { filesystemOf } from './filesystems.js';
import { requireMountPoint } from './mount-point-in-tree.js';

/** What a filesystem without owners, modes and links gets, as FAT: directories and plain files only. */
export interface FatContent extends EspContent {
  readonly directories: readonly string[];
}

/** What every partition of a disk gets out of the root tree. */
export interface DiskContent {
  /** By partition id: the tree whose part below the mount point becomes a filesystem that holds whatever a tree does. */
  readonly trees: ReadonlyMap<string, TreeRef>;
  /** By partition id. */
  readonly fats: ReadonlyMap<string, FatContent>;
}

/**
 * Divides a tree among the partitions: each gets what lies below its mount point, without what lies below a deeper one.
 * The EFI system partition also gets systemd-boot when the template asks for it; GRUB's image is made later, as it is not in the tree.
 *
 * @throws `ICT_DISK_MOUNT_POINT`, `ICT_DISK_FAT_FILE`, `ICT_IMAGE_BOOT_FILES`
 */
export async function divideTree(input: ImageInput, ctx: BuildContext): Promise<DiskContent> {
  const { spec } = input;
  const mounted = mountedPartitions(spec.disk.partitions);
  const { filled, fats } = await ctx.trees.inspect(input.tree, async (tree) => {
    const withContent = new Set<string>();
    for (const { spec: partition, mountPoint } of mounted) {
      // Commands and layers of the template may have put something else there since `prepare`.
      await requireMountPoint(tree, partition.id, mountPoint);
      if ((await tree.list(mountPoint)).length > 0) withContent.add(mountPoint);
    }
    return { filled: withContent, fats: await fatContents(input, tree) };
  });
  const trees = new Map<string, TreeRef>();
  for (const { spec: partition, mountPoint } of mounted) {
    if (filesystemOf(partition).content !== 'tree') continue;
    const deeper = mounted
      .map((other) => other.mountPoint)
      .filter((other) => other !== mountPoint && isBelow(other, mountPoint) && filled.has(other));
    trees.set(partition.id, deeper.length === 0 ? input.tree : await emptied(input.tree, deeper, ctx));
  }
  return { trees, fats };
}

/** The content again, when its input says more of starting than it did: the part of it that boot files are in. */
export async function withBootFiles(content: DiskContent, input: ImageInput, ctx: BuildContext): Promise<DiskContent> {
  return { ...content, fats: await ctx.trees.inspect(input.tree, (tree) => fatContents(input, tree)) };
}

/** The tree with nothing left below these directories. */
async function emptied(tree: TreeRef, directories: readonly string[], ctx: BuildContext): Promise<TreeRef> {
  const layer = await ctx.trees.change(tree, async (session) => {
    for (const directory of directories) for (const entry of await session.list(directory)) await session.remove(entry.path);
  });
  return { layers: [...tree.layers, layer] };
}

async function fatContents(input: ImageInput, tree: TreeSession): Promise<ReadonlyMap<string, FatContent>> {
  const { spec } = input;
  const mounted = mountedPartitions(spec.disk.partitions);
  const contents = new Map<string, FatContent>();
  for (const partition of spec.disk.partitions) {
    if (filesystemOf(partition).content !== 'files') continue;
    const mountPoint = mounted.find((mount) => mount.spec === partition)?.mountPoint;
    const found: FoundFiles = { directories: [], copies: new Map() };
    const { directories, copies } = found;
    if (mountPoint !== undefined) {
      const deeper = mounted.map((mount) => mount.mountPoint).filter((other) => other !== mountPoint);
      await gather(tree, mountPoint, { mountPoint, deeper, partition: partition.id }, found);
    }
    let texts: FatContent['texts'] = {};
    let programs: FatContent['programs'] = {};
    if (isEsp(partition) && partition === spec.disk.partitions.find(isEsp) && spec.system.bootloader.provider === 'systemd-boot') {
      const loader = await systemdBootFiles(input, tree);
      ({ texts, programs } = loader);
      // FAT knows no case: what a package put there under the same name gives way to the loader that the template asks for.
      for (const target of [...Object.keys(texts), ...Object.keys(programs)]) copies.delete(target.toLowerCase());
      for (const [target, file] of Object.entries(loader.copies)) copies.set(target.toLowerCase(), [target, file]);
    }
    contents.set(partition.id, { texts, copies: Object.fromEntries(copies.values()), programs, directories });
  }
  return contents;
}

/** What lies below a FAT partition's mount point, by paths of the partition. */
interface FoundFiles {
  readonly directories: string[];
  /** By path in small letters. */
  readonly copies: Map<string, readonly [target: string, file: TreeFile]>;
}

interface FatPlace {
  /** Partition id, for messages. */
  readonly partition: string;
  readonly mountPoint: string;
  /** Mount points of others, whose content is not listed. */
  readonly deeper: readonly string[];
}

/** Adds what lies in and below `directory` to `found`. @throws `ICT_DISK_FAT_FILE` for anything but directories and plain files. */
async function gather(tree: TreeSession, directory: string, place: FatPlace, found: FoundFiles): Promise<void> {
  const { partition, mountPoint, deeper } = place;
  const { directories, copies } = found;
  for (const entry of await tree.list(directory)) {
    const target = entry.path.slice(mountPoint === '/' ? 0 : mountPoint.length);
    if (entry.type === 'directory') {
      directories.push(target);
      if (!deeper.includes(entry.path)) await gather(tree, entry.path, place, found);
    } else if (entry.type === 'file') {
      if (copies.has(target.toLowerCase())) throw fatFileError(entry.path, partition, 'differs from another name only in case');
      copies.set(target.toLowerCase(), [target, { path: entry.path, sizeBytes: entry.sizeBytes }]);
    } else {
      throw fatFileError(entry.path, partition, `is a ${entry.type}`);
    }
  }
}

/** True when the template's loader needs an image made by GRUB's own tools. */
export function usesGrub(spec: ImageSpec): boolean {
  return spec.system.bootloader.provider === 'grub';
}
