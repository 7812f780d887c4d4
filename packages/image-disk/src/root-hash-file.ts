import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef, BuildContext, Digest, Json } from '@ict/plugin-api';
import { deriveBlob } from '@ict/image-parts';
import type { VerityPlan } from './verity-plan.js';
import { readRootHash } from './verity-tree.js';

/** What the name of a file ends with that says by which hash a disk is verified, as systemd-nspawn and others look for it. */
export const ROOT_HASH_EXTENSION = 'roothash';

/** Key of {@link rootHashFile}. */
export function rootHashKey(raw: Digest, { hashOffsetBytes }: VerityPlan): Json {
  return { raw, hashOffsetBytes };
}

/**
 * A text of one line with the root hash of a raw disk, as its hash tree gives it: whoever verifies the disk has it from somewhere else.
 *
 * @throws `ICT_IMAGE_BLOB_GONE` when the raw disk is no longer in the cache.
 */
export function rootHashFile(raw: Digest, { hashOffsetBytes }: VerityPlan, ctx: BuildContext): Promise<BlobRef> {
  return deriveBlob(raw, ctx, async (source, directory) => {
    await using disk = await open(source, 'r');
    await writeFile(join(directory, ROOT_HASH_EXTENSION), `${await readRootHash(disk, hashOffsetBytes)}\n`);
    return ROOT_HASH_EXTENSION;
  });
}
