import { chmod, copyFile, rename, rm } from 'node:fs/promises';
import type { ContentIdentity } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { StoreContext } from './content.js';
import { cacheError } from './errors.js';
import { errnoOf } from './storage-failure.js';

/** A file that lies in the cache's own temporary directory, hashed and read-only, ready to get its final name. */
export interface Staged extends ContentIdentity {
  readonly path: string;
}

/**
 * Takes a file over (it is moved, or copied and removed from another file system), hashes it and makes it read-only.
 *
 * @throws `ICT_CACHE_MISMATCH` when it is not what `expected` says; then, and on any other failure, nothing stays behind.
 */
export async function stageFile(
  store: StoreContext,
  file: string,
  expected: { readonly digest: Digest; readonly sizeBytes: number } | undefined,
  what: string,
): Promise<Staged> {
  const path = await store.layout.temporaryFile();
  try {
    await moveFile(file, path);
    await chmod(path, 0o444);
    const identity = await store.digestFile(path);
    if (expected !== undefined && (identity.digest !== expected.digest || identity.sizeBytes !== expected.sizeBytes)) {
      throw cacheError('ICT_CACHE_MISMATCH', {
        message: `The file for ${what} is not what it should be: expected ${expected.digest} (${expected.sizeBytes} bytes), got ${identity.digest} (${identity.sizeBytes} bytes)`,
        hint: 'It was changed after it was fetched: check the disk and try again.',
        facts: { what, expected: expected.digest, actual: identity.digest },
      });
    }
    return { path, ...identity };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Renames, or copies between file systems. */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    await rm(from);
  }
}
