import { chmodSync, renameSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { digestAlgorithm, moveFile, type ContentIdentity } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { StoreContext } from './store-context.js';
import { cacheError } from './errors.js';
import { sameButForNames, sameSignature, statSignature, type StatSignature } from './stat-signature.js';

/** A file that lies in the cache's own temporary directory, hashed and read-only, ready to get its final name. */
export interface Staged extends ContentIdentity {
  readonly path: string;
}

/**
 * Takes a file over (it is moved, or copied and removed from another file system), hashes it and makes it read-only.
 *
 * @param state in which the file had the content that is expected, by the hash of who wrote it: while it is in that state, and is moved, it is not
 *   read once more. With `mode: 'full'` it is.
 * @throws `ICT_CACHE_MISMATCH` when it is not what `expected` says; then, and on any other failure, nothing stays behind.
 */
export async function stageFile(
  store: StoreContext,
  file: string,
  expected: { readonly digest: Digest; readonly sizeBytes: number } | undefined,
  what: string,
  state?: StatSignature,
): Promise<Staged> {
  const path = await store.layout.temporaryFile();
  const now = state === undefined || store.mode === 'full' ? undefined : await statSignature(file);
  const unchanged = state !== undefined && now !== undefined && sameSignature(state, now);
  try {
    const moved = await moveFile(file, path);
    chmodSync(path, 0o444);
    if (expected !== undefined && unchanged && moved && state.sizeBytes === expected.sizeBytes) {
      return { path, digest: expected.digest, sizeBytes: expected.sizeBytes };
    }
    const identity = await store.digestFile(path, expected === undefined ? undefined : digestAlgorithm(expected.digest));
    if (expected !== undefined && (identity.digest !== expected.digest || identity.sizeBytes !== expected.sizeBytes)) {
      throw mismatch(what, expected, identity);
    }
    return { path, ...identity };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Takes over a file that the caller made and hashed itself: images are large, and are not read again here.
 *
 * @throws `ICT_CACHE_MISMATCH` when the file does not have the size that the caller found.
 */
export async function adoptFile(store: StoreContext, file: string, known: ContentIdentity): Promise<Staged> {
  const { size } = await stat(file);
  if (size !== known.sizeBytes) throw mismatch(`blob ${known.digest}`, known, { digest: known.digest, sizeBytes: size });
  const path = await store.layout.temporaryFile();
  await moveFile(file, path);
  chmodSync(path, 0o444);
  return { path, ...known };
}

/** @returns `ICT_CACHE_MISMATCH` */
export function mismatch(what: string, expected: ContentIdentity, actual: ContentIdentity): Error {
  return cacheError('ICT_CACHE_MISMATCH', {
    message: `The file for ${what} is not what it should be: expected ${expected.digest} (${expected.sizeBytes} bytes), got ${actual.digest} (${actual.sizeBytes} bytes)`,
    hint: 'It was changed after it was fetched: check the disk and try again.',
    facts: { what, expected: expected.digest, actual: actual.digest },
  });
}

/**
 * Renames a file over whatever has that name.
 *
 * @returns the state that it then has, by which it can be known again; undefined when another process took its place at once.
 * @throws Node's own error.
 */
export async function renamed(from: string, to: string): Promise<StatSignature | undefined> {
  const before = await statSignature(from);
  renameSync(from, to);
  const after = await statSignature(to);
  return before !== undefined && after !== undefined && sameButForNames(before, after) ? after : undefined;
}
