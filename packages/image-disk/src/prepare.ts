import type { ImageInput, Json, TreeSession } from '@ict/plugin-api';
import { GRUB_DIRECTORY, renderGrubConfig } from './boot-grub.js';
import { kernelOptions } from './boot-menu.js';
import { renderFstab } from './fstab.js';
import { grows, prepareGrowth } from './growth.js';
import { VERIFIED_ROOT, isImmutable } from './immutability.js';
import { prepareVerifiedRoot } from './prepare-verified-root.js';
import { mountedPartitions, mountPointOf } from './mount-points.js';
import { pathsTo, requireMountPoint } from './mount-point-in-tree.js';
import { usesGrub } from './partition-content.js';

/** Bumped when {@link prepareTree} writes something else for equal input. */
export const PREPARE_VERSION = 2;

/** What {@link prepareTree} reads: nothing of the disk that shows only outside the tree, and of starting only what GRUB's configuration says. */
export function prepareKey(input: Omit<ImageInput, 'tree'>): Json {
  const { spec, distribution, seed } = input;
  const { kernel, initrd } = distribution.boot;
  return {
    seed,
    partitions: spec.disk.partitions.map((partition) => ({
      id: partition.id,
      filesystem: partition.filesystem,
      mountPoint: mountPointOf(partition),
      mountOptions: partition.mountOptions,
    })),
    ...(spec.disk.partitionTable === 'mbr' ? { table: 'mbr' } : {}),
    ...(grows(spec) ? { growth: true } : {}),
    ...(isImmutable(spec) ? { immutable: true } : {}),
    ...(usesGrub(spec) ? { boot: { kernel: kernelOptions(input), paths: { kernel, initrd }, title: distribution.title } } : {}),
  };
}

/**
 * Writes `/etc/fstab`, the mount points that are missing, what makes the root grow or verified, and GRUB's configuration into the root tree.
 *
 * @throws `ICT_DISK_MOUNT_POINT` for a mount point that is no directory, or lies below a link; `ICT_DISK_GROWTH` when it cannot grow; `ICT_DISK_IMMUTABILITY` when
 *   nothing of it opens a verified root.
 */
export async function prepareTree(input: Omit<ImageInput, 'tree'>, tree: TreeSession): Promise<void> {
  for (const { spec: partition, mountPoint } of mountedPartitions(input.spec.disk.partitions)) {
    await requireMountPoint(tree, partition.id, mountPoint);
    await makeDirectories(tree, mountPoint);
  }
  await tree.write('/etc/fstab', renderFstab(input.spec.disk, input.seed, isImmutable(input.spec) ? VERIFIED_ROOT : undefined));
  if (grows(input.spec)) await prepareGrowth(input.spec, tree);
  if (isImmutable(input.spec)) await prepareVerifiedRoot(input, tree);
  if (!usesGrub(input.spec)) return;
  await makeDirectories(tree, GRUB_DIRECTORY);
  await tree.write(`${GRUB_DIRECTORY}/grub.cfg`, await renderGrubConfig(input, tree), { mode: 0o600 });
}

/** Makes a directory with its parents; those that exist keep their attributes. */
async function makeDirectories(tree: TreeSession, path: string): Promise<void> {
  for (const directory of pathsTo(path)) {
    if ((await tree.stat(directory)) === undefined) await tree.makeDirectory(directory, { mode: 0o755 });
  }
}
