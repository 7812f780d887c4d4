import { closeSync, createReadStream, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { DETECTION_BYTES, detectCompression } from './compression.js';
import { decompress } from './decompress.js';
import type { TarEntry } from './tar-entry.js';
import { readTar } from './tar-reader.js';
import { writeTar, type TarInput } from './tar-writer.js';
import { writeWhole } from './whole-write.js';

/** Each piece comes from another thread: with larger ones fewer are waited for, and more files are whole in one. */
const PIECE_BYTES = 256 * 1024;

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
  const stored = createReadStream(file, { ...options, highWaterMark: PIECE_BYTES });
  yield* readTar(kind === 'none' ? stored : decompress(stored, kind, options), options);
}

/**
 * Writes a tar archive to a new file. Each piece is written synchronously, into memory of the system: to wait for another thread would take longer.
 *
 * @throws what {@link writeTar} throws, and Node's own error when the file is there or cannot be written; what was written stays.
 */
export async function writeTarFile(
  file: string,
  entries: AsyncIterable<TarInput> | Iterable<TarInput>,
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const descriptor = openSync(file, 'wx');
  try {
    for await (const chunk of writeTar(entries, options)) writeWhole(descriptor, chunk);
  } finally {
    closeSync(descriptor);
  }
}

async function compressionOf(file: string): Promise<ReturnType<typeof detectCompression>> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(DETECTION_BYTES), 0, DETECTION_BYTES, 0);
  return detectCompression(buffer.subarray(0, bytesRead));
}
