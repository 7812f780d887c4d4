import type { BuildContext } from '@ict/plugin-api';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import { writeTree } from './written-filesystem.js';
import { writeXfs } from './xfs/write-xfs.js';

/** Bumped when the same request gives other bytes. */
export const XFS_VERSION = 2;

/**
 * Writes an xfs with a tree's files straight into a disk image.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need; `ICT_DISK_XFS_FILE` for a file that it cannot hold.
 */
export async function writeOwnXfs(request: TreeFilesystemRequest, ctx: BuildContext): Promise<void> {
  const uuid = request.identity.filesystemUuid;
  await writeTree(
    request,
    { filesystem: 'xfs', refusal: 'ICT_DISK_XFS_FILE', write: (writing, pack) => writeXfs({ ...writing, uuid }, pack) },
    ctx,
  );
}
