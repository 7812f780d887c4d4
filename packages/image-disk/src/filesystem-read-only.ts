import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext, TreeRecord } from '@ict/plugin-api';
import { writeFully, type PartitionIdentity } from '@ict/image-parts';
import { diskError } from './errors.js';
import { labelErofs } from './erofs-superblock.js';
import { programFailed, runFilesystemProgram } from './filesystem-program.js';
import type { TreeFilesystemRequest } from './filesystem-request.js';
import type { ReadOnlyKind } from './filesystems.js';
import { mebibytes } from './mebibytes.js';
import { isBelow } from './mount-points.js';

/** Bumped when the same request gives other bytes. */
export const READ_ONLY_VERSION = 1;

const COPIED_AT_A_TIME = 1024 * 1024;

/** A label is of an erofs alone. */
export interface ReadOnlyRequest extends TreeFilesystemRequest {
  readonly kind: ReadOnlyKind;
}

/** What writes a kind of filesystem. */
interface Program {
  readonly name: string;
  /** @param root directory of the tree; @param file does not exist yet. */
  readonly argv: (root: string, file: string, identity: PartitionIdentity) => readonly string[];
  /** What it keeps of extended attributes: it would leave others out without a word. */
  readonly attributes: RegExp;
}

/**
 * Of both, lz4 and zstd at a low level: the best that can be had write images a tenth smaller in twenty times as long. All times are those of
 * the tree, none later than SOURCE_DATE_EPOCH, and what a program calls the time of the filesystem is that.
 */
const PROGRAMS: Readonly<Record<ReadOnlyKind, Program>> = {
  erofs: {
    name: 'mkfs.erofs',
    argv: (root, file, { filesystemUuid }) => ['mkfs.erofs', '--quiet', '-zlz4', '-U', filesystemUuid, file, root],
    attributes: /^(?:user|trusted|security|system)\./u,
  },
  squashfs: {
    name: 'mksquashfs',
    argv: (root, file) => [
      ...['mksquashfs', root, file, '-noappend', '-no-progress', '-quiet', '-exit-on-error'],
      ...['-comp', 'zstd', '-Xcompression-level', '3', '-b', '128K'],
    ],
    attributes: /^(?:user|trusted|security)\./u,
  },
};

/**
 * Writes an erofs or a squashfs with a tree's files into a disk image. It is made in a file of its own first, as nobody knows before how
 * large it becomes.
 *
 * @throws `ICT_DISK_NO_SPACE` when it is larger than the partition, with its size; `ICT_DISK_READ_ONLY_FILE` for a file that it cannot
 *   hold; `ICT_DISK_FILESYSTEM` when the program fails.
 */
export async function writeReadOnly(request: ReadOnlyRequest, ctx: BuildContext): Promise<void> {
  const { partition, kind, label, tree, directory, offsetBytes, sizeBytes } = request;
  refuseFiles(request, await ctx.trees.records(tree));
  const name = `${kind}-${offsetBytes}`;
  const made = join(directory, name);
  try {
    const program = PROGRAMS[kind];
    const result = await runFilesystemProgram(request, (from) => program.argv(from, `/disk/${name}`, request.identity), ctx);
    if (result.exitCode !== 0) throw programFailed(partition, program.name, result);
    const { size } = await stat(made);
    if (size > sizeBytes) throw noSpace(request, size);
    await using source = await open(made, 'r+');
    if (kind === 'erofs' && label !== undefined) await labelErofs(source, label);
    await using disk = await open(join(directory, request.file), 'r+');
    await copy(source, disk, offsetBytes, ctx.signal);
  } finally {
    await rm(made, { force: true });
  }
}

function refuseFiles({ partition, kind, root }: ReadOnlyRequest, records: readonly TreeRecord[]): void {
  for (const record of records) {
    const reason = isBelow(record.path, root) ? refusal(record, kind) : undefined;
    if (reason === undefined) continue;
    const { path } = record;
    throw diskError('ICT_DISK_READ_ONLY_FILE', {
      message: `${path} cannot be stored on partition "${partition}", which has the filesystem ${kind}: it ${reason}`,
      hint: `Give ${path} or a directory above it a partition of its own with fsType: ext4, or change it with a command under systemConfig.configurations.`,
      facts: { path, partition, reason },
    });
  }
}

/** Why a file of the tree cannot be stored, to follow its path; undefined for one that can. */
function refusal({ xattrs = {}, mtimeSeconds }: TreeRecord, kind: ReadOnlyKind): string | undefined {
  // Both programs count such a time as a late one.
  if (mtimeSeconds < 0) return 'is older than 1970';
  const name = Object.keys(xattrs).find((attribute) => !PROGRAMS[kind].attributes.test(attribute));
  if (name === undefined) return undefined;
  return name.startsWith('system.posix_acl_') ? 'has an access control list' : `has the attribute ${name}`;
}

async function copy(source: FileHandle, disk: FileHandle, offsetBytes: number, signal: AbortSignal): Promise<void> {
  const piece = Buffer.allocUnsafe(COPIED_AT_A_TIME);
  for (let at = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    await writeFully(disk, piece.subarray(0, bytesRead), offsetBytes + at);
    at += bytesRead;
  }
}

function noSpace({ partition, kind, sizeBytes }: ReadOnlyRequest, neededBytes: number): Error {
  return diskError('ICT_DISK_NO_SPACE', {
    message: `the files of partition "${partition}" do not fit: as ${kind} they take ${mebibytes(neededBytes)}, and it has ${mebibytes(sizeBytes)}`,
    hint: `Raise disk.size, or the end of partition "${partition}", so that it has at least ${mebibytes(neededBytes)}.`,
    facts: { partition, neededBytes, availableBytes: sizeBytes },
  });
}
