import { createHash } from 'node:crypto';
import type { ByteReader } from './byte-reader.js';

/** Why a file is no proper zchunk; the caller turns it into its own error. */
export class ZchunkFormatError extends Error {
  override readonly name = 'ZchunkFormatError';
}

/** A kind of checksum: its algorithm, of which the first `sizeBytes` count. */
export interface Checksum {
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly sizeBytes: number;
}

/** One chunk, as the index of the file describes it. */
export interface ZchunkChunk {
  /** Of the stored bytes. */
  readonly sum: Buffer;
  /** Of the decompressed bytes, in files that have it. */
  readonly plainSum: Buffer | undefined;
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/** What stands before the chunks. */
export interface ZchunkHeader {
  readonly checksum: Checksum;
  /** Of the stored bytes of all chunks; undefined where the header has none, as in files with checksums of what chunks decompress to. */
  readonly dataSum: Buffer | undefined;
  readonly compression: 'none' | 'zstd';
  readonly chunkChecksum: Checksum;
  /** The chunks in the order of the file; the first is the dictionary, which may be empty. */
  chunks(): Generator<ZchunkChunk, void, undefined>;
}

const MAGIC = '\0ZCK1';
const DETACHED_MAGIC = '\0ZHR1';
/** Some 400,000 chunks; a distribution's full file list has 20,000. */
const MAX_HEADER_BYTES = 16 * 2 ** 20;

const CHECKSUMS: readonly Checksum[] = [
  { algorithm: 'sha1', sizeBytes: 20 },
  { algorithm: 'sha256', sizeBytes: 32 },
  { algorithm: 'sha512', sizeBytes: 64 },
  { algorithm: 'sha512', sizeBytes: 16 },
];
const COMPRESSIONS: ReadonlyMap<number, ZchunkHeader['compression']> = new Map([
  [0, 'none'],
  [2, 'zstd'],
]);
/** The preface has a list of optional elements; each chunk has a checksum of what it decompresses to. Streams (1) are in no real file. */
const FLAG = { optional: 2, plainSums: 4 } as const;

/**
 * Reads lead, preface, index and signatures, up to the first byte of the first chunk, and compares the checksum of all that. Signatures are
 * passed over: what is trusted says the file's own digest.
 *
 * @throws {ZchunkFormatError}
 */
export async function readZchunkHeader(reader: ByteReader): Promise<ZchunkHeader> {
  const magic = Buffer.from(await reader.read(MAGIC.length));
  const text = magic.toString('latin1');
  if (text === DETACHED_MAGIC) throw new ZchunkFormatError('it is the header of another file, without data');
  if (text !== MAGIC) throw new ZchunkFormatError('it does not start as zchunk files do');
  const lead = [magic];
  const checksum = checksumOf(await readNumber(reader, lead));
  const sizeBytes = await readNumber(reader, lead);
  if (sizeBytes > MAX_HEADER_BYTES) throw new ZchunkFormatError(`its header is larger than ${MAX_HEADER_BYTES} bytes`);
  const sum = Buffer.from(await reader.read(checksum.sizeBytes));
  const rest = Buffer.from(await reader.read(sizeBytes));
  if (rest.length < sizeBytes) throw new ZchunkFormatError('the file ends within its header');
  const hash = createHash(checksum.algorithm).update(Buffer.concat(lead)).update(rest);
  if (!hash.digest().subarray(0, checksum.sizeBytes).equals(sum)) throw new ZchunkFormatError('its header is not what its checksum says');
  return parseHeader(new Fields(rest), checksum);
}

function parseHeader(fields: Fields, checksum: Checksum): ZchunkHeader {
  const sum = fields.bytes(checksum.sizeBytes);
  const flags = fields.number();
  if ((flags & ~(FLAG.optional | FLAG.plainSums)) !== 0) throw new ZchunkFormatError(`it has parts that are not known (flags ${flags})`);
  const number = fields.number();
  const compression = COMPRESSIONS.get(number);
  if (compression === undefined) throw new ZchunkFormatError(`its compression ${number} is not known`);
  if ((flags & FLAG.optional) !== 0) passElements(fields);
  const index = new Fields(fields.bytes(fields.number()));
  passElements(fields);
  fields.requireEnd('header');
  const chunkChecksum = checksumOf(index.number());
  const count = index.number();
  const start = index.at;
  const hasPlainSums = (flags & FLAG.plainSums) !== 0;
  return {
    checksum,
    dataSum: hasPlainSums && sum.every((byte) => byte === 0) ? undefined : sum,
    compression,
    chunkChecksum,
    *chunks() {
      index.at = start;
      for (let left = count; left > 0; left--) yield readChunk(index, chunkChecksum, hasPlainSums);
      index.requireEnd('index');
    },
  };
}

function readChunk(index: Fields, { sizeBytes }: Checksum, hasPlainSum: boolean): ZchunkChunk {
  const sum = index.bytes(sizeBytes);
  const plainSum = hasPlainSum ? index.bytes(sizeBytes) : undefined;
  return { sum, plainSum, storedBytes: index.number(), plainBytes: index.number() };
}

/** Passes over a count and as many elements of a kind, a size, and bytes: optional parts, and signatures. */
function passElements(fields: Fields): void {
  for (let left = fields.number(); left > 0; left--) {
    fields.number();
    fields.bytes(fields.number());
  }
}

function checksumOf(number: number): Checksum {
  const checksum = CHECKSUMS[number];
  if (checksum === undefined) throw new ZchunkFormatError(`its kind of checksum ${number} is not known`);
  return checksum;
}

/** The bytes of the number are added to `lead`. */
async function readNumber(reader: ByteReader, lead: Buffer[]): Promise<number> {
  const bytes: number[] = [];
  do {
    const [byte] = await reader.read(1);
    if (byte === undefined) throw new ZchunkFormatError('the file ends within its header');
    bytes.push(byte);
  } while ((bytes.at(-1)! & 0x80) === 0 && bytes.length < MAX_NUMBER_BYTES);
  const buffer = Buffer.from(bytes);
  lead.push(buffer);
  return new Fields(buffer).number();
}

/** Seven bits each: no more fit into a safe integer. */
const MAX_NUMBER_BYTES = 7;

/** Takes fields out of a part of the header. */
class Fields {
  readonly #bytes: Buffer;
  /** Where the next field begins. */
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(count: number): Buffer {
    if (count > this.#bytes.length - this.at) throw new ZchunkFormatError('a part of its header is longer than the header');
    return this.#bytes.subarray(this.at, (this.at += count));
  }

  /** Seven bits a byte, the lowest first; the highest bit says that it is the last. */
  number(): number {
    let value = 0;
    for (let place = 0; place < MAX_NUMBER_BYTES; place++) {
      const byte = this.bytes(1)[0]!;
      value += (byte & 0x7f) * 2 ** (7 * place);
      if (byte >= 0x80) return value;
    }
    throw new ZchunkFormatError('a number in its header is too large');
  }

  requireEnd(what: string): void {
    if (this.at < this.#bytes.length) throw new ZchunkFormatError(`its ${what} has more than it says`);
  }
}
