import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, crc32, createZstdCompress, deflateRaw, zstdCompress } from 'node:zlib';
import { readPieces, type ByteRange } from './piecewise.js';

const deflate = promisify(deflateRaw);
const zstd = promisify(zstdCompress);

/** Pieces compressed at a time: as many as Node's thread pool has threads by default. */
const IN_FLIGHT = 4;

/** How a file is cut into pieces that are compressed apart and still make one stream. */
interface Framing {
  readonly pieceBytes: number;
  readonly compress: (piece: Buffer) => Promise<Buffer>;
  readonly head: Buffer;
  /** What ends the stream, from the checksum and length of the plain bytes. */
  readonly tail: (crc: number, sizeBytes: number) => Buffer;
}

/** One gzip member without name or time (RFC 1952); pieces end on byte boundaries by an empty stored block, as pigz does. */
const GZIP: Framing = {
  pieceBytes: 1024 * 1024,
  compress: (piece) => deflate(piece, { level: 6, finishFlush: constants.Z_SYNC_FLUSH }),
  head: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]),
  tail: (crc, sizeBytes) => {
    const bytes = Buffer.from([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.writeUInt32LE(crc, 2);
    bytes.writeUInt32LE(sizeBytes % 2 ** 32, 6);
    return bytes;
  },
};

const ZSTD_PARAMETERS = { [constants.ZSTD_c_compressionLevel]: 6, [constants.ZSTD_c_checksumFlag]: 1 };

/** A row of zstd frames with checksums (RFC 8878, section 3.1: decoders read them as one stream). */
const ZSTD: Framing = {
  pieceBytes: 4 * 1024 * 1024,
  compress: (piece) => zstd(piece, { params: ZSTD_PARAMETERS }),
  head: Buffer.alloc(0),
  tail: () => Buffer.alloc(0),
};

const FRAMINGS = { gz: GZIP, zstd: ZSTD } as const;

/** What shapes compressed bytes beside the plain ones: belongs to the key. */
export function compressorIdentity(kind: keyof typeof FRAMINGS): string {
  return kind === 'gz' ? `gzip-6 zlib ${process.versions.zlib}` : `zstd-6 zstd ${process.versions.zstd ?? ''}`;
}

/**
 * Compresses a file on several threads. The result does not depend on their number, and holes cost nearly nothing: a piece of zeros
 * is compressed once.
 *
 * @param data where data is expected, as for {@link readPieces}; it does not change the result.
 * @throws Node's own error when a file cannot be read or written; the signal's reason when it aborts.
 */
export async function compressFile(
  kind: keyof typeof FRAMINGS,
  from: string,
  to: string,
  data: readonly ByteRange[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  await pipeline(compressedPieces(FRAMINGS[kind], from, data, signal), createWriteStream(to), { signal });
}

/** What shapes the bytes that {@link compressToOneFrame} writes, beside the plain ones. */
export function oneFrameIdentity(): string {
  return `zstd-6 in one frame, zstd ${process.versions.zstd ?? ''}`;
}

/**
 * Compresses a file to a single zstd frame, in one thread: for readers that take what follows the first frame for something else.
 *
 * @throws Node's own error when a file cannot be read or written; the signal's reason when it aborts.
 */
export async function compressToOneFrame(from: string, to: string, signal: AbortSignal): Promise<void> {
  await pipeline(createReadStream(from), createZstdCompress({ params: ZSTD_PARAMETERS }), createWriteStream(to), { signal });
}

async function* compressedPieces(
  framing: Framing,
  from: string,
  data: readonly ByteRange[] | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const zeros = Buffer.alloc(framing.pieceBytes);
  let compressedZeros: Promise<Buffer> | undefined;
  let crc = 0;
  let sizeBytes = 0;
  const queue: Promise<Buffer>[] = [];
  if (framing.head.length > 0) yield framing.head;
  try {
    for await (const piece of readPieces(from, framing.pieceBytes, data, signal)) {
      crc = crc32(piece, crc);
      sizeBytes += piece.length;
      const compressed = piece.equals(zeros) ? (compressedZeros ??= framing.compress(zeros)) : framing.compress(piece);
      // A failure is thrown when the piece's turn comes; until then it must not count as unhandled.
      compressed.catch(() => undefined);
      queue.push(compressed);
      if (queue.length >= IN_FLIGHT) yield await (queue.shift() as Promise<Buffer>);
    }
    // A stream of no pieces is not one that every decoder takes.
    if (sizeBytes === 0) yield await framing.compress(Buffer.alloc(0));
    while (queue.length > 0) yield await (queue.shift() as Promise<Buffer>);
  } finally {
    // Pieces still under way when the consumer or the signal ends the stream early: their outcome no longer matters.
    await Promise.allSettled(queue);
  }
  const tail = framing.tail(crc, sizeBytes);
  if (tail.length > 0) yield tail;
}
