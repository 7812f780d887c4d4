import { renameSync } from 'node:fs';
import { copyFile, unlink } from 'node:fs/promises';
import { errnoOf } from './system-error.js';

/**
 * Renames a file, or copies and removes it between file systems: then `to` is not whole at once. The rename is synchronous, as it takes
 * microseconds and a trip through Node's thread pool many times that.
 *
 * @returns whether it is still the same file: false when it was copied.
 * @throws Node's own error.
 */
export async function moveFile(from: string, to: string): Promise<boolean> {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    await unlink(from);
    return false;
  }
}
