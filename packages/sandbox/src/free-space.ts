import { fileSystemOf } from './file-system.js';

/** Room on the file system of a path. */
export interface FreeSpace {
  /** Bytes that this user may still write. */
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** Files that may still be made; infinite where the file system sets no limit. */
  readonly availableFiles: number;
}

/**
 * Room on the file system that holds `path`, or would hold it: for a path that does not exist yet, its nearest parent that does.
 *
 * @throws Node's own error when even that cannot be asked.
 */
export async function freeSpace(path: string): Promise<FreeSpace> {
  const { bavail, blocks, bsize, files = 0, ffree = 0 } = await fileSystemOf(path);
  return { availableBytes: bavail * bsize, totalBytes: blocks * bsize, availableFiles: files === 0 ? Infinity : ffree };
}
