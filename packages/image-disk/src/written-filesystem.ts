import { diskError } from './errors.js';
import type { FilesystemRequest } from './filesystem-request.js';
import { mebibytes } from './mebibytes.js';
import type { TreeWritten } from './tree-writing.js';

/** What files take. */
export interface NeededRoom {
  readonly neededBytes: number;
  readonly files: number;
}

/**
 * What a writer of ours has done for a partition.
 *
 * @param filesystem its name.
 * @param refusal the code for a file that it cannot hold.
 * @throws `refusal`; `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need.
 */
export function requireWritten(
  outcome: TreeWritten,
  request: FilesystemRequest,
  filesystem: string,
  refusal: 'ICT_DISK_EXT_FILE' | 'ICT_DISK_BTRFS_FILE' | 'ICT_DISK_XFS_FILE',
): void {
  const { partition } = request;
  if (outcome.kind === 'full') throw fullFilesystem(request, filesystem, outcome);
  if (outcome.kind === 'written') return;
  const { path, reason } = outcome;
  throw diskError(refusal, {
    message: `${path} cannot be stored on partition "${partition}", which has the filesystem ${filesystem}: it ${reason}`,
    hint: 'Change or remove it with a command under systemConfig.configurations, or leave out the package that brings it.',
    facts: { path, partition, reason },
  });
}

/** `ICT_DISK_NO_SPACE`, with what would be enough. @param facts more of them. */
export function fullFilesystem(
  { partition, sizeBytes }: FilesystemRequest,
  filesystem: string,
  { neededBytes, files }: NeededRoom,
  facts: Readonly<Record<string, unknown>> = {},
): Error {
  return diskError('ICT_DISK_NO_SPACE', {
    message: `the files of partition "${partition}" do not fit: as ${filesystem} they need about ${mebibytes(neededBytes)} in ${files} files, and it has ${mebibytes(sizeBytes)}`,
    hint: `Raise disk.size, or the end of partition "${partition}", so that it has at least ${mebibytes(neededBytes * 1.1)}.`,
    facts: { partition, neededBytes, availableBytes: sizeBytes, files, ...facts },
  });
}
