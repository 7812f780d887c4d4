import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOffsets, encodeFat, planFat, SECTOR_BYTES, writeFully, type FatWidth } from '@ict/image-parts';
import type { BuildContext, ContentPlace, TreePath } from '@ict/plugin-api';
import { diskError } from './errors.js';
import { fatFileError } from './fat-file-error.js';
import type { FilesystemRequest } from './filesystem-request.js';
import { mebibytes } from './mebibytes.js';

/** Where a file of a FAT filesystem comes from: the tree, or the staging directory on the host. */
export interface FatFile {
  /** Absolute path in the filesystem. */
  readonly target: string;
  readonly from: 'tree' | 'stage';
  /** Absolute path in the tree, or below the staging directory. */
  readonly source: string;
  readonly sizeBytes: number;
}

const COPIED_AT_A_TIME = 1024 * 1024;

export interface FatRequest extends FilesystemRequest {
  readonly width: FatWidth;
  /** Host directory that files with `from: 'stage'` lie in. */
  readonly stage: string;
  readonly files: readonly FatFile[];
  /** Directories to make even when no file is in them. */
  readonly directories: readonly string[];
}

/**
 * Writes a FAT filesystem with files straight into a disk image.
 *
 * Directories and files follow each other without a gap, in the order of their paths; every time is
 * the build's epoch in UTC. So the bytes depend on the request and the contents alone.
 *
 * @throws `ICT_DISK_NO_SPACE` when the files do not fit, naming the partition, what is needed and what it has; `ICT_DISK_FAT_FILE`.
 */
export async function writeFat(request: FatRequest, ctx: BuildContext): Promise<void> {
  const { partition, identity, directory, file, offsetBytes } = request;
  const planned = planFat({
    ...request,
    refusal: {
      file: (path, reason) => fatFileError(path, partition, reason),
      space: (neededBytes, availableBytes) => noSpace(request, neededBytes, availableBytes),
    },
  });
  const offsets = [...contentOffsets(planned)].map(([{ from, source }, at]) => ({ from, source, offsetBytes: offsetBytes + at }));
  const ofTree = offsets.filter(({ from }) => from === 'tree');
  const contents = ofTree.map(({ source, offsetBytes: at }): ContentPlace => ({ path: source as TreePath, offsetBytes: at }));
  await ctx.trees.place(request.tree, contents, join(directory, file));
  await using image = await open(join(directory, file), 'r+');
  const volume = { volumeId: identity.volumeId, hiddenSectors: offsetBytes / SECTOR_BYTES };
  for (const { bytes, offsetBytes: at } of encodeFat(planned, volume, ctx.epochSeconds)) await writeFully(image, bytes, offsetBytes + at);
  for (const { from, source, offsetBytes: at } of offsets)
    if (from === 'stage') await copyTo(image, join(request.stage, source), at, ctx.signal);
}

async function copyTo(image: FileHandle, source: string, offsetBytes: number, signal: AbortSignal): Promise<void> {
  let at = offsetBytes;
  for await (const piece of createReadStream(source, { highWaterMark: COPIED_AT_A_TIME, signal }) as AsyncIterable<Buffer>) {
    await writeFully(image, piece, at);
    at += piece.length;
  }
}

function noSpace({ partition, files, sizeBytes }: FatRequest, neededBytes: number, availableBytes: number): Error {
  const largest = [...files].sort((a, b) => b.sizeBytes - a.sizeBytes || (a.target < b.target ? -1 : 1)).slice(0, 3);
  return diskError('ICT_DISK_NO_SPACE', {
    message: `the files of partition "${partition}" do not fit: they need ${mebibytes(neededBytes)}, and its FAT filesystem has ${mebibytes(availableBytes)}`,
    hint: `Make partition "${partition}" at least ${mebibytes(neededBytes - availableBytes + sizeBytes)} large. Its largest files: ${largest
      .map((file) => `${file.target} (${mebibytes(file.sizeBytes)})`)
      .join(', ')}.`,
    facts: { partition, neededBytes, availableBytes },
  });
}
