import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

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
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { availableBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOTDIR: a file lies where a directory is wanted; whoever makes the directory will say so.
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error;
    return freeSpace(dirname(path));
  }
}
