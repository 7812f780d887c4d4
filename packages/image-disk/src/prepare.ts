import type { ImageInput, TreeEntry, TreeSession } from '@ict/plugin-api';
import { GRUB_DIRECTORY, renderGrubConfig } from './boot-grub.js';
import { diskError } from './errors.js';
import { mountedPartitions, renderFstab } from './fstab.js';
import { usesGrub } from './partition-content.js';

/** Bumped when {@link prepareTree} writes something else for equal input. */
export const PREPARE_VERSION = 1;

/**
 * Writes `/etc/fstab`, the mount points that are missing, and GRUB's configuration into the root tree.
 *
 * @throws `ICT_DISK_MOUNT_POINT`
 */
export async function prepareTree(input: Omit<ImageInput, 'tree'>, tree: TreeSession): Promise<void> {
  for (const { spec: partition, mountPoint } of mountedPartitions(input.spec.disk.partitions)) {
    if (mountPoint === '/') continue;
    const entry = await tree.stat(mountPoint);
    if (entry === undefined) await makeDirectories(tree, mountPoint);
    else if (entry.type !== 'directory') throw noMountPoint(partition.id, entry);
  }
  await tree.write('/etc/fstab', renderFstab(input.spec.disk, input.seed));
  if (!usesGrub(input.spec)) return;
  await makeDirectories(tree, GRUB_DIRECTORY);
  await tree.write(`${GRUB_DIRECTORY}/grub.cfg`, await renderGrubConfig(input, tree), { mode: 0o600 });
}

/** What lies below a link is somewhere else in the tree: a partition would get nothing of it, and `fstab` would mount it there. */
function noMountPoint(partition: string, { path, type, linkTarget }: TreeEntry): Error {
  const isLink = type === 'symlink';
  return diskError('ICT_DISK_MOUNT_POINT', {
    message: `partition "${partition}" cannot be mounted at ${path}: in the image that is a ${type}${isLink ? ` to ${linkTarget}` : ''}`,
    hint: isLink ? 'Name the directory that it leads to as mountPoint.' : 'Name a directory as mountPoint.',
    facts: { partition, path, type, ...(isLink ? { linkTarget } : {}) },
  });
}

/** Makes a directory with its parents; those that exist keep their attributes. */
async function makeDirectories(tree: TreeSession, path: string): Promise<void> {
  const parts = path.split('/').filter(Boolean);
  for (let length = 1; length <= parts.length; length++) {
    const directory = `/${parts.slice(0, length).join('/')}`;
    if ((await tree.stat(directory)) === undefined) await tree.makeDirectory(directory, { mode: 0o755 });
  }
}
