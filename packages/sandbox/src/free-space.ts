import { fileSystemOf } from './file-system.js';

/** Room on the file system of a path. */
export interface FreeSpace {
  /** Bytes that this user may still write. */
  readonly availableBytes: number;
  readonly totalBytes: number;
}

/**
 * Room on the file system that holds `path`, or would hold it: for a path that does not exist yet, its nearest parent that does.
 *
 * @throws Node's own error when even that cannot be asked.
 */
export async function freeSpace(path: string): Promise<FreeSpace> {
  const { bavail, blocks, bsize } = await fileSystemOf(path);
  return { availableBytes: bavail * bsize, totalBytes: blocks * bsize };
}
