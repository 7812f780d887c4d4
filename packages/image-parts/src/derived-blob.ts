import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef, BuildContext, Digest } from '@ict/plugin-api';
import { imageError } from './errors.js';

/** Bumped when what is made of a blob gets other bytes for an equal key. */
export const DERIVE_VERSION = 1;

/** Runs a program of the tools tree with a blob at `/in` and a directory for results at `/out`. */
export async function runTool(argv: readonly string[], source: string, directory: string, ctx: BuildContext): Promise<void> {
  await ctx.tools.run({
    argv,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: `${ctx.epochSeconds}` },
    mounts: [
      { source, at: '/in' },
      { source: directory, at: '/out', writable: true },
    ],
  });
}

/**
 * Makes a blob out of another one.
 *
 * @param make leaves a file in the directory that it is given, and returns its name.
 * @throws `ICT_IMAGE_BLOB_GONE` when the blob is no longer in the cache; what `make` throws.
 */
export async function deriveBlob(
  from: Digest,
  ctx: BuildContext,
  make: (source: string, directory: string) => Promise<string>,
): Promise<BlobRef> {
  const source = await ctx.blobs.path(from);
  if (source === undefined) {
    throw imageError('ICT_IMAGE_BLOB_GONE', {
      message: `the file ${from} disappeared from the cache, or was damaged, while the build ran`,
      hint: 'Run the build again; it makes the file anew.',
      facts: { digest: from },
    });
  }
  const directory = await mkdtemp(join(ctx.temporary, 'derive-'));
  try {
    return await ctx.blobs.putFile(join(directory, await make(source, directory)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
