import { open } from 'node:fs/promises';
import { refuseNamedPipe } from './regular-file.js';

/** Room for nearly every document: memory that is not touched costs nothing. */
const FIRST_BYTES = 32 * 1024;

/**
 * The first bytes of a file that a user names, which may be anything, and need not end: one more than `maxBytes`, when it has them.
 *
 * @throws as {@link refuseNamedPipe}; Node's own errors; the signal's reason.
 */
export async function readBounded(file: string, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
  refuseNamedPipe(file);
  const handle = await open(file);
  try {
    let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    let length = 0;
    while (length <= maxBytes) {
      signal?.throwIfAborted();
      if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * length, maxBytes + 1));
      const { bytesRead } = await handle.read(bytes, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, Math.min(length, maxBytes + 1));
  } finally {
    await handle.close();
  }
}
