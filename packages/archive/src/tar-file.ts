import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { DETECTION_BYTES, detectCompression } from './compression.js';
import { decompress } from './decompress.js';
import type { TarEntry } from './tar-entry.js';
import { readTar } from './tar-reader.js';

/**
 * Reads a tar archive from a file, compressed or not: its first bytes tell.
 *
 * @throws what {@link readTar} and {@link decompress} throw; Node's own error when the file cannot be read.
 */
export async function* readTarFile(
  file: string,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const kind = await compressionOf(file);
  const stored = createReadStream(file, options);
  yield* readTar(kind === 'none' ? stored : decompress(stored, kind, options), options);
}

async function compressionOf(file: string): Promise<ReturnType<typeof detectCompression>> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(DETECTION_BYTES), 0, DETECTION_BYTES, 0);
  return detectCompression(buffer.subarray(0, bytesRead));
}
