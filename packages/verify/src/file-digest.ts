import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 1024 * 1024;

/** SHA-256 (lower-case hex) and size of a whole file, read synchronously in 1 MiB pieces: for worker threads. */
export function digestFileSync(file: string): { readonly hex: string; readonly sizeBytes: number } {
  const descriptor = openSync(file, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let sizeBytes = 0;
    for (;;) {
      const count = readSync(descriptor, chunk, 0, chunkBytes, null);
      if (count === 0) break;
      hash.update(count === chunkBytes ? chunk : chunk.subarray(0, count));
      sizeBytes += count;
    }
    return { hex: hash.digest('hex'), sizeBytes };
  } finally {
    closeSync(descriptor);
  }
}
