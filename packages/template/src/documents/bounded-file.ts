import { open } from 'node:fs/promises';
import { MAX_BYTES } from './yaml-document.js';

/** Room for nearly every document: memory that is not touched costs nothing. */
const FIRST_BYTES = 32 * 1024;

/** The first bytes of a file: one more than a document may have, when it has them. */
export async function readBounded(file: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    let length = 0;
    while (length <= MAX_BYTES) {
      signal?.throwIfAborted();
      if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * length, MAX_BYTES + 1));
      const { bytesRead } = await handle.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}
