import { chmod, lstat, rename } from 'node:fs/promises';
import { errnoOf } from '@ict/integrity';

/**
 * Moves a tree on one file system, also one whose own directory is only for reading: where the system wants to write the new parent into that, its
 * owner may for as long.
 *
 * @throws what the system says.
 */
export async function moveTree(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    const { mode } = await lstat(from);
    await chmod(from, mode | 0o200);
    try {
      await rename(from, to);
    } catch (refused) {
      await chmod(from, mode);
      throw refused;
    }
    await chmod(to, mode);
  }
}
