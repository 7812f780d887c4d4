import { open } from 'node:fs/promises';
import { MAX_BYTES } from './yaml-document.js';

/** The first bytes of a file: one more than a document may have, when it has them. */
export async function readBounded(file: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const bytes = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    while (length < bytes.length) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}
