import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, digestOf } from '@ict/integrity';
import type { BlobRef, BlobStore, Digest } from '@ict/plugin-api';

/** A blob store that remembers in memory what it holds; the bytes lie in a directory, because `path` must name a file. */
export interface MemoryBlobs extends BlobStore {
  /** Digests of the blobs that are held. */
  readonly digests: ReadonlySet<Digest>;
}

/** Keeps blobs in `directory`, which must exist. As the contract asks, a blob whose bytes changed is dropped and not handed out. */
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
    putFile: async (file) => {
      const blob = await putBytes(await readFile(file));
      await rm(file);
      return blob;
    },
    path: async (digest) => {
      if (!digests.has(digest)) return undefined;
      if (digestOf(await readFile(fileOf(digest))) === digest) return fileOf(digest);
      digests.delete(digest);
      return undefined;
    },
  };
}
