import type { ByteReader } from './byte-reader.js';
import { corrupt } from './decompress.js';
import { decompressLz4Block } from './lz4-block.js';

/** What the legacy frame of lz4 begins with, which is the only one that Linux reads. */
export const LZ4_LEGACY_MAGIC = Buffer.from('02214c18', 'hex');

/** What a block may become. */
const BLOCK_BYTES = 8 * 1024 * 1024;
/** What a block may have: bytes that compress not at all take a few more. */
const MAX_STORED_BYTES = BLOCK_BYTES + Math.floor(BLOCK_BYTES / 255) + 16;

/**
 * Decompresses the legacy frames of lz4 at the place of a reader, which is left behind the last of them. A frame has no end of its own: it is where no size of a block follows.
 *
 * @throws `ICT_ARCHIVE_CORRUPT`
 * @see doc/lz4_Frame_format.md of lz4, "Legacy frame"
 */
export async function* decompressLegacyLz4(reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const size = await reader.peek(4);
    if (size.equals(LZ4_LEGACY_MAGIC)) {
      await reader.skip(size.length);
      continue;
    }
    const sizeBytes = size.length < 4 ? 0 : size.readUInt32LE(0);
    if (sizeBytes === 0 || sizeBytes > MAX_STORED_BYTES) return;
    await reader.skip(size.length);
    const block = await reader.read(sizeBytes);
    if (block.length < sizeBytes) throw corrupt('lz4', 'it ends within a block');
    yield decoded(block);
  }
}

function decoded(block: Buffer): Buffer {
  let bytes: Buffer;
  try {
    bytes = decompressLz4Block(block, BLOCK_BYTES + 1);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw corrupt('lz4', cause.message, cause);
  }
  if (bytes.length > BLOCK_BYTES) throw corrupt('lz4', 'a block becomes larger than one may be');
  return bytes;
}
