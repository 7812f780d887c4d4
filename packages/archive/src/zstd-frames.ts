import { pipeline, Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { ByteReader } from './byte-reader.js';

/** Why a stream is not proper zstd; the caller turns it into its own error. */
export class ZstdFormatError extends Error {
  override readonly name = 'ZstdFormatError';
}

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const CHUNK_BYTES = 128 * 1024;
/** Of stored bytes: RFC 8878, section 3.1.1.2.4. */
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * Decompresses every frame of a zstd stream.
 *
 * Node's decoder stops after the first frame and drops the rest without an error, so the frames are told apart here, by their
 * headers and block sizes, and each gets its own decoder. The decoder still checks all else, checksums included.
 *
 * @param dictionary that the frames were made with.
 * @throws {ZstdFormatError} for what is not a frame or ends early, Node's own error for a damaged frame.
 * @see RFC 8878, section 3
 */
export async function* decompressZstdFrames(
  source: AsyncIterable<Uint8Array>,
  dictionary?: Buffer,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(source);
  try {
    for (let frames = 0; ; frames++) {
      const magic = await reader.read(4);
      if (magic.length === 0 && frames > 0) return;
      if (magic.length < 4) throw new ZstdFormatError('the stream ends within a frame header');
      const value = magic.readUInt32LE(0);
      if (isSkippable(value)) {
        const length = (await exactly(reader, 4)).readUInt32LE(0);
        if ((await reader.skip(length)) < length) throw new ZstdFormatError('the stream ends within a skippable frame');
      } else if (value === FRAME_MAGIC) {
        yield* decodeFrame(frameBytes(reader, Buffer.from(magic)), dictionary);
      } else {
        throw new ZstdFormatError(frames === 0 ? 'it does not start with a zstd frame' : 'something else follows the last frame');
      }
    }
  } finally {
    await reader.close();
  }
}

/** The frames at the place of a reader, as they are; it is left behind the last of them. */
export async function* zstdFrames(reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const magic = await reader.peek(4);
    const value = magic.length < 4 ? 0 : magic.readUInt32LE(0);
    if (value !== FRAME_MAGIC && !isSkippable(value)) return;
    yield* isSkippable(value) ? skippableBytes(reader) : frameBytes(reader, Buffer.from(await exactly(reader, 4)));
  }
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC;
}

async function* skippableBytes(reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  const head = Buffer.from(await exactly(reader, 8));
  yield head;
  for (let left = head.readUInt32LE(4); left > 0; ) {
    const part = await reader.some(left);
    if (part === undefined) throw new ZstdFormatError('the stream ends within a skippable frame');
    left -= part.length;
    yield part;
  }
}

async function* frameBytes(reader: ByteReader, magic: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield magic;
  const descriptor = Buffer.from(await exactly(reader, 1));
  yield descriptor;
  const flags = descriptor.readUInt8(0);
  const singleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const rest = (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  if (rest > 0) yield await exactly(reader, rest);
  for (let last = false; !last; ) {
    const header = Buffer.from(await exactly(reader, 3));
    const fields = header.readUIntLE(0, 3);
    last = (fields & 1) === 1;
    // A run-length block (type 1) stores one byte, whatever its size says.
    const stored = ((fields >> 1) & 3) === 1 ? 1 : fields >> 3;
    if (stored > MAX_BLOCK_BYTES) throw new ZstdFormatError('a block is larger than a block may be');
    // One piece for the decoder, whose every write is a trip to another thread.
    yield Buffer.concat([header, await exactly(reader, stored)]);
  }
  if ((flags & 4) !== 0) yield await exactly(reader, 4);
}

async function* decodeFrame(bytes: AsyncIterable<Uint8Array>, dictionary?: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = createZstdDecompress({ chunkSize: CHUNK_BYTES, ...(dictionary === undefined ? {} : { dictionary }) });
  // Errors come out of the decoder, which `pipeline` destroys with them.
  pipeline(Readable.from(bytes, { objectMode: false }), decoder, () => undefined);
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } finally {
    decoder.destroy();
  }
}

async function exactly(reader: ByteReader, count: number): Promise<Buffer> {
  const bytes = await reader.read(count);
  if (bytes.length < count) throw new ZstdFormatError('the stream ends within a frame');
  return bytes;
}
