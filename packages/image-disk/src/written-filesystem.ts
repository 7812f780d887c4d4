import { join } from 'node:path';
import type { BuildContext } from '@ict/plugin-api';
import { diskError } from './errors.js';
import type { FilesystemRequest, TreeFilesystemRequest } from './filesystem-request.js';
import { mebibytes } from './mebibytes.js';
import type { PackContents, TreeWriting, TreeWritten } from './tree-writing.js';

/** What files take. */
export interface NeededRoom {
  readonly neededBytes: number;
  readonly files: number;
}

/** A writer of ours. */
export interface TreeWriter {
  /** Name of its filesystem. */
  readonly filesystem: string;
  /** The code for a file that it cannot hold. */
  readonly refusal: 'ICT_DISK_EXT_FILE' | 'ICT_DISK_BTRFS_FILE' | 'ICT_DISK_XFS_FILE';
  write(writing: TreeWriting, pack: PackContents): Promise<TreeWritten>;
}

/**
 * Writes a filesystem with a tree's files straight into a disk image.
 *
 * @throws the refusal of the writer; `ICT_DISK_NO_SPACE` when the files do not fit, with the space that they need.
 */
export async function writeTree(request: TreeFilesystemRequest, writer: TreeWriter, ctx: BuildContext): Promise<void> {
  const { label = '', tree, root, offsetBytes, sizeBytes } = request;
  const { epochSeconds, trees } = ctx;
  const file = join(request.directory, request.file);
  const records = await trees.records(tree);
  const outcome = await writer.write({ label, epochSeconds, records, root, file, offsetBytes, sizeBytes }, (paths, target) =>
    trees.pack(tree, paths, target),
  );
  requireWritten(outcome, request, writer);
}

function requireWritten(outcome: TreeWritten, request: FilesystemRequest, { filesystem, refusal }: TreeWriter): void {
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
