import { uuidFrom } from '@ict/integrity';
import type { BuildContext } from '@ict/plugin-api';
import { writeBtrfs } from './btrfs/write-btrfs.js';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import { writeTree } from './written-filesystem.js';

/** Bumped when the same request gives other bytes. */
export const BTRFS_VERSION = 1;

/**
 * Writes a btrfs with a tree's files straight into a disk image.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need; `ICT_DISK_BTRFS_FILE` for a file that it cannot hold.
 */
export async function writeOwnBtrfs(request: TreeFilesystemRequest, ctx: BuildContext): Promise<void> {
  const { filesystemUuid } = request.identity;
  // All others follow from that of the filesystem.
  const uuid = (what: string): string => uuidFrom(filesystemUuid, `btrfs/${what}`);
  const own = {
    identity: { filesystem: filesystemUuid, device: uuid('device'), chunks: uuid('chunks') },
    subvolume: uuid('subvolume'),
  };
  await writeTree(
    request,
    { filesystem: 'btrfs', refusal: 'ICT_DISK_BTRFS_FILE', write: (writing, pack) => writeBtrfs({ ...writing, ...own }, pack, ctx.signal) },
    ctx,
  );
}
