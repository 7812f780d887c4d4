import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, digestOf } from '@ict/integrity';
import type { BlobRef, BlobStore, Digest } from '@ict/plugin-api';

/** A blob store that remembers in memory what it holds; the bytes lie in a directory, because `path` must name a file. */
export interface MemoryBlobs extends BlobStore {
  /** Digests of the blobs that are held. */
  readonly digests: ReadonlySet<Digest>;
}

/**
 * Keeps blobs in `directory`, which must exist. As the contract asks, blobs go by SHA-256, and one whose bytes changed is dropped and not handed out.
 * Unlike the cache it does not take the caller's word for what a file holds.
 */
export function memoryBlobs(directory: string): MemoryBlobs {
  const digests = new Set<Digest>();
  const fileOf = (digest: Digest): string => join(directory, `blob-${digestHex(digest)}`);
  const putBytes = async (bytes: Uint8Array): Promise<BlobRef> => {
    const digest = digestOf(bytes);
    await writeFile(fileOf(digest), bytes);
    digests.add(digest);
    return { kind: 'blob', digest, sizeBytes: bytes.length };
  };
  return {
    digests,
    putBytes,
    putFile: async (file, known) => {
      const bytes = await readFile(file);
      if (known !== undefined && fileOf(known.digest) !== fileOf(digestOf(bytes))) {
        throw new Error(`${file} was put in as ${known.digest}, and it is ${digestOf(bytes)}`);
      }
      const blob = await putBytes(bytes);
      await rm(file);
      return blob;
    },
    path: async (digest) => {
      const file = fileOf(digest);
      if (!digests.has(digest)) return undefined;
      if (digestOf(await readFile(file)) === digest) return file;
      digests.delete(digest);
      return undefined;
    },
  };
}
