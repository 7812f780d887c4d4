import { join } from 'node:path';
import type { BuildContext } from '@ict/plugin-api';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import { requireWritten } from './written-filesystem.js';
import { writeXfs } from './xfs/write-xfs.js';

/** Bumped when the same request gives other bytes. */
export const XFS_VERSION = 2;

/**
 * Writes an xfs with a tree's files straight into a disk image.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need; `ICT_DISK_XFS_FILE` for a file that it cannot hold.
 */
export async function writeOwnXfs(request: TreeFilesystemRequest, ctx: BuildContext): Promise<void> {
  const { identity, label = '', tree, root, offsetBytes, sizeBytes } = request;
  const outcome = await writeXfs(
    {
      uuid: identity.filesystemUuid,
      label,
      epochSeconds: ctx.epochSeconds,
      records: await ctx.trees.records(tree),
      root,
      file: join(request.directory, request.file),
      offsetBytes,
      sizeBytes,
    },
    (paths, target) => ctx.trees.pack(tree, paths, target),
  );
  requireWritten(outcome, request, 'xfs', 'ICT_DISK_XFS_FILE');
}
