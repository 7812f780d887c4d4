import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where trees of earlier runs wait until all runs are over, instead of being removed between two. ext4 does not give an inode away again
 * for minutes after it was freed, and steps over such inodes one by one: whoever makes ten thousand files after ten thousand were removed
 * pays several CPU seconds for what the run before left, and not for its own work.
 */
export class Attic {
  readonly #directory: string;

  /** @param directory on the same file system as what is put there; made when first needed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Moves a file or directory here; nothing happens when it is absent. */
  async take(path: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    try {
      await rename(path, join(this.#directory, randomBytes(8).toString('hex')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Removes all that was put here, also by a run that was killed. */
  async clear(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
