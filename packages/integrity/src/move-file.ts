import { renameSync } from 'node:fs';
import { copyFile, unlink } from 'node:fs/promises';
import { errnoOf } from './system-error.js';

/**
 * Renames a file, or copies and removes it between file systems: then `to` is not whole at once. The rename is synchronous, as it takes
 * microseconds and a trip through Node's thread pool many times that.
 *
 * @throws Node's own error.
 */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    await unlink(from);
  }
}
