import { Readable } from 'node:stream';
import { constants, inflateSync, zstdDecompressSync } from 'node:zlib';
import { decompress, decompressLz4Block } from '@ict/archive';
import { isIctError } from '@ict/plugin-api';
import { gathered } from './filesystem.js';

/** How filesystems compress blocks. */
export type BlockCompression = 'zlib' | 'zstd' | 'xz' | 'lz4';

/** No window of zstd that is no larger is refused. */
const LEAST_WINDOW_BITS = 17;
/** Node takes no output that is less. */
const LEAST_OUTPUT_BYTES = 64;

/**
 * Decompresses a block; what stands behind its end is left alone.
 *
 * @param most how many bytes it may become.
 * @throws RangeError where it is damaged, or becomes more.
 */
export async function decompressBlock(kind: BlockCompression, block: Buffer, most: number): Promise<Buffer> {
  // With room left Node does not look for more behind the end.
  const room = { maxOutputLength: most, chunkSize: Math.max(most + 1, LEAST_OUTPUT_BYTES) };
  try {
    switch (kind) {
      case 'zlib':
        return inflateSync(block, room);
      case 'zstd':
        return zstdDecompressSync(block, { ...room, params: { [constants.ZSTD_d_windowLogMax]: windowBits(most) } });
      case 'xz':
        return await gathered(decompress(Readable.from([block]), 'xz', { small: true, maxBytes: most }));
      case 'lz4':
        return decompressLz4Block(block, most);
    }
  } catch (cause) {
    const isOfDecoder =
      cause instanceof RangeError || isIctError(cause) || /^(?:Z_|ZSTD_)/u.test((cause as NodeJS.ErrnoException).code ?? '');
    if (!isOfDecoder) throw cause;
    throw new RangeError(`a block compressed with ${kind} is damaged: ${(cause as Error).message}`, { cause });
  }
}

function windowBits(bytes: number): number {
  return Math.max(LEAST_WINDOW_BITS, Math.ceil(Math.log2(bytes)));
}
