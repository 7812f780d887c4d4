import { createHash, type Hash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { ByteReader } from './byte-reader.js';
import { readZchunkHeader, ZchunkFormatError } from './zchunk-header.js';
import type { Checksum, ZchunkChunk, ZchunkHeader } from './zchunk-header.js';
import { decompressZstdFrames } from './zstd-frames.js';

/** A chunk up to this size is decoded at once, which spares a decoder of its own; createrepo_c makes one chunk of each source package. */
const SMALL_CHUNK_BYTES = 256 * 1024;

/** Dictionaries of zstd have some hundred kilobytes, and are kept while the file is read. */
const MAX_DICTIONARY_BYTES = 8 * 2 ** 20;

/**
 * Decompresses a zchunk file: a header with the checksums of all parts, and chunks of zstd, or as they are. The checksums of the header, of
 * each chunk and of all stored data are compared. Memory does not depend on what the file says, save for the header (16 MiB at most) and
 * a dictionary (8 MiB).
 *
 * @throws {ZchunkFormatError}, {@link ZstdFormatError}, and Node's own error for a damaged zstd frame.
 * @see zchunk's own description, zchunk_format.txt
 */
export async function* decompressZchunk(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(source);
  try {
    const header = await readZchunkHeader(reader);
    const data = createHash(header.checksum.algorithm);
    let dictionary: Buffer | undefined;
    let number = 0;
    for (const chunk of header.chunks()) {
      const plain = new ZchunkReader(reader, header, chunk, data, `chunk ${number}`).read(dictionary);
      if (number++ > 0) yield* plain;
      else dictionary = await readDictionary(plain, chunk);
    }
    if ((await reader.read(1)).length > 0) throw new ZchunkFormatError('something follows the last chunk');
    if (header.dataSum !== undefined) requireSum(data, header.checksum, header.dataSum, 'its data');
  } finally {
    await reader.close();
  }
}

/** The first chunk, which is no part of the content. @returns undefined for an empty one. */
async function readDictionary(plain: AsyncIterable<Uint8Array>, { plainBytes }: ZchunkChunk): Promise<Buffer | undefined> {
  if (plainBytes > MAX_DICTIONARY_BYTES) throw new ZchunkFormatError('its dictionary is larger than any is');
  const parts: Uint8Array[] = [];
  for await (const part of plain) parts.push(part);
  return plainBytes === 0 ? undefined : Buffer.concat(parts);
}

/** Reads one chunk. */
class ZchunkReader {
  readonly #reader: ByteReader;
  readonly #header: ZchunkHeader;
  readonly #chunk: ZchunkChunk;
  /** Of the stored bytes of all chunks. */
  readonly #data: Hash;
  readonly #what: string;

  constructor(reader: ByteReader, header: ZchunkHeader, chunk: ZchunkChunk, data: Hash, what: string) {
    this.#reader = reader;
    this.#header = header;
    this.#chunk = chunk;
    this.#data = data;
    this.#what = what;
  }

  async *read(dictionary: Buffer | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const { storedBytes, plainBytes, sum, plainSum } = this.#chunk;
    // An empty chunk has no checksum of its own: that of an absent dictionary is zeros.
    if (storedBytes === 0 && plainBytes === 0) return;
    const { chunkChecksum, compression } = this.#header;
    const storedHash = createHash(chunkChecksum.algorithm);
    const plainHash = plainSum === undefined ? undefined : createHash(chunkChecksum.algorithm);
    const stored = this.#stored(storedHash);
    let missing = plainBytes;
    for await (const piece of compression === 'none' ? stored : this.#decode(stored, dictionary)) {
      missing -= piece.length;
      if (missing < 0) throw new ZchunkFormatError(`${this.#what} is longer than its header says`);
      plainHash?.update(piece);
      yield piece;
    }
    if (missing > 0) throw new ZchunkFormatError(`${this.#what} is shorter than its header says`);
    requireSum(storedHash, chunkChecksum, sum, this.#what);
    if (plainHash !== undefined) requireSum(plainHash, chunkChecksum, plainSum!, `${this.#what}, decompressed,`);
  }

  async *#stored(hash: Hash): AsyncGenerator<Uint8Array, void, undefined> {
    for (let missing = this.#chunk.storedBytes; missing > 0; ) {
      const piece = await this.#reader.some(missing);
      if (piece === undefined) throw new ZchunkFormatError(`the file ends within ${this.#what}`);
      missing -= piece.length;
      hash.update(piece);
      this.#data.update(piece);
      yield piece;
    }
  }

  async *#decode(stored: AsyncIterable<Uint8Array>, dictionary: Buffer | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const { storedBytes, plainBytes } = this.#chunk;
    if (storedBytes <= SMALL_CHUNK_BYTES && plainBytes <= SMALL_CHUNK_BYTES) {
      const parts: Uint8Array[] = [];
      for await (const piece of stored) parts.push(piece);
      yield this.#decodeWhole(Buffer.concat(parts), dictionary);
      return;
    }
    yield* decompressZstdFrames(stored, dictionary);
  }

  #decodeWhole(stored: Buffer, dictionary: Buffer | undefined): Buffer {
    try {
      // One byte more, so that a longer chunk shows; 0 is no limit that Node takes.
      const maxOutputLength = this.#chunk.plainBytes + 1;
      return zstdDecompressSync(stored, { maxOutputLength, ...(dictionary === undefined ? {} : { dictionary }) });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ZchunkFormatError(`${this.#what} does not decompress: ${reason}`, { cause });
    }
  }
}

function requireSum(hash: Hash, { sizeBytes }: Checksum, expected: Buffer, what: string): void {
  if (!hash.digest().subarray(0, sizeBytes).equals(expected)) throw new ZchunkFormatError(`${what} is not what its checksum says`);
}
