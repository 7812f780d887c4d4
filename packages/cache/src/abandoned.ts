import { rm, stat, writeFile } from 'node:fs/promises';
import { errnoOf, ignoreSystemError } from '@ict/integrity';
import type { Layout } from './layout.js';

/**
 * Whether what another machine wrote has not changed for so long that its process is taken to have ended. A file that is dated as far
 * ahead, because a clock moved backwards, says as little: but the clock that is wrong may be this machine's, so the file server is asked.
 *
 * @param nowSeconds seconds since 1970, by this machine.
 * @returns false for a file that is gone.
 */
export async function isAbandoned(path: string, afterMs: number, nowSeconds: number, layout: Layout): Promise<boolean> {
  const mtimeMs = await timeOf(path);
  if (mtimeMs === undefined) return false;
  if (mtimeMs <= nowSeconds * 1000) return nowSeconds * 1000 - mtimeMs > afterMs;
  return mtimeMs - (await fileServerTime(layout)) > afterMs;
}

/** Now, in milliseconds since 1970, for the file system of the cache; infinite when it cannot be asked: then nothing is ahead of it. */
export async function fileServerTime(layout: Layout): Promise<number> {
  try {
    const probe = await layout.temporaryFile();
    await writeFile(probe, '');
    const now = await timeOf(probe);
    await rm(probe, { force: true });
    return now ?? Infinity;
  } catch (error) {
    ignoreSystemError(error);
    return Infinity;
  }
}

async function timeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
