import { open, unlink } from 'node:fs/promises';
import { ContentHasher, hashing, type ContentIdentity } from '@ict/integrity';
import { detectCompression, DETECTION_BYTES, type Compression } from './compression.js';
import { decompress, type DecompressOptions } from './decompress.js';
import { archiveError } from './errors.js';

export interface DecompressedFile {
  readonly kind: Compression;
  /** The whole compressed file, as an index of the archive lists it. */
  readonly input: ContentIdentity;
  readonly output: ContentIdentity;
}

const READ_BYTES = 256 * 1024;

/**
 * Decompresses `file` into the new file `out` and hashes both sides on the way. `out` must not exist; it is removed when this fails.
 *
 * @param options.kind default: told by the first bytes. A caller that knows the format from a signed index should say it.
 * @throws what {@link decompress} can fail with; `ICT_ARCHIVE_CORRUPT` also when the decoder left a part of the file unread; Node's own
 *   error for `file` or `out`.
 */
export async function decompressFileTo(
  file: string,
  out: string,
  options: DecompressOptions & { readonly maxBytes: number; readonly kind?: Compression },
): Promise<DecompressedFile> {
  const input = new ContentHasher();
  const output = new ContentHasher();
  const source = await open(file, 'r');
  try {
    const { size } = await source.stat();
    const kind = options.kind ?? detectCompression(await firstBytes(source));
    const target = await open(out, 'wx', 0o644);
    try {
      // `start: 0` gives the stream a position of its own; the handle stays ours to close.
      const compressed = source.createReadStream({ start: 0, autoClose: false, highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
      for await (const chunk of hashing(decompress(hashing(compressed, input), kind, options), output)) await target.writeFile(chunk);
      if (input.sizeBytes !== size) {
        throw archiveError('ICT_ARCHIVE_CORRUPT', {
          message: `${file}: the ${kind} data ends after ${input.sizeBytes} of ${size} bytes`,
          hint: 'Fetch the file again.',
          facts: { file, compression: kind, readBytes: input.sizeBytes, sizeBytes: size },
        });
      }
      await target.close();
    } catch (error) {
      await target.close();
      await unlink(out);
      throw error;
    }
    return { kind, input: input.finish(), output: output.finish() };
  } finally {
    await source.close();
  }
}

async function firstBytes(handle: Awaited<ReturnType<typeof open>>): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(DETECTION_BYTES), 0, DETECTION_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
