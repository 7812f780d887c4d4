import type { TreeEntry, TreeSession } from '@ict/plugin-api';
import { diskError } from './errors.js';

/**
 * Requires what a tree has of a mount point to be directories; what it has not will do.
 *
 * @param partition id, for messages.
 * @throws `ICT_DISK_MOUNT_POINT` for one that is something else, or lies below a link.
 */
export async function requireMountPoint(tree: TreeSession, partition: string, mountPoint: string): Promise<void> {
  for (const directory of pathsTo(mountPoint)) {
    const entry = await tree.stat(directory);
    if (entry === undefined) return;
    if (entry.type !== 'directory') throw noMountPoint(partition, mountPoint, entry);
  }
}

/** A path and those above it but for `/`, from above: of `/srv/data` `/srv` and `/srv/data`. */
export function pathsTo(path: string): readonly string[] {
  const parts = path.split('/').filter(Boolean);
  return parts.map((_part, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

/** What lies below a link is somewhere else in the tree: a partition would get nothing of it, and `fstab` would mount it there. */
function noMountPoint(partition: string, mountPoint: string, { path, type, linkTarget }: TreeEntry): Error {
  const isLink = type === 'symlink';
  const what = `${path === mountPoint ? 'that' : path} is a ${type}${isLink ? ` to ${linkTarget}` : ''}`;
  return diskError('ICT_DISK_MOUNT_POINT', {
    message: `partition "${partition}" cannot be mounted at ${mountPoint}: in the image ${what}`,
    hint: isLink ? 'Write the directory that the link leads to in mountPoint.' : 'Name a directory as mountPoint.',
    facts: { partition, mountPoint, path, type, ...(isLink ? { linkTarget } : {}) },
  });
}
