import { join } from 'node:path';
import { uuidFrom } from '@ict/integrity';
import type { BuildContext } from '@ict/plugin-api';
import { writeBtrfs } from './btrfs/write-btrfs.js';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import { requireWritten } from './written-filesystem.js';

/** Bumped when the same request gives other bytes. */
export const BTRFS_VERSION = 1;

/**
 * Writes a btrfs with a tree's files straight into a disk image.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need; `ICT_DISK_BTRFS_FILE` for a file that it cannot hold.
 */
export async function writeOwnBtrfs(request: TreeFilesystemRequest, ctx: BuildContext): Promise<void> {
  const { identity, label = '', tree, root, offsetBytes, sizeBytes } = request;
  // All others follow from that of the filesystem.
  const uuid = (what: string): string => uuidFrom(identity.filesystemUuid, `btrfs/${what}`);
  const outcome = await writeBtrfs(
    {
      identity: { filesystem: identity.filesystemUuid, device: uuid('device'), chunks: uuid('chunks') },
      subvolume: uuid('subvolume'),
      label,
      epochSeconds: ctx.epochSeconds,
      records: await ctx.trees.records(tree),
      root,
      file: join(request.directory, request.file),
      offsetBytes,
      sizeBytes,
    },
    (paths, target) => ctx.trees.pack(tree, paths, target),
    ctx.signal,
  );
  requireWritten(outcome, request, 'btrfs', 'ICT_DISK_BTRFS_FILE');
}
