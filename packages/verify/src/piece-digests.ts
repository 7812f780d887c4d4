import { createHash, hash } from 'node:crypto';
import { PositionedFile, READ_BYTES } from './positioned-file.js';

const DIGEST_BYTES = 32;
const ZEROS = Buffer.alloc(READ_BYTES);

/** Digests of a part of a file, from a piece on. */
export interface PieceRange {
  readonly file: string;
  /** Number of the first piece. */
  readonly first: number;
  readonly count: number;
  /** Pieces, counted in the file, that are expected to be zeros, as runs: first, count, first, count. It only decides how they are read. */
  readonly zeros: readonly number[];
}

/** A file digested at once and by pieces, from one read. */
export interface WholeAndPieces {
  readonly hex: string;
  readonly sizeBytes: number;
  readonly pieces: Uint8Array;
}

/** Number of pieces of a file of this size. */
export function pieceCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / READ_BYTES);
}

/**
 * SHA-256 of each piece of {@link READ_BYTES}, one after another. For a piece that is all zeros stand 32 zero bytes: it is compared with zeros,
 * which takes a tenth of the time. Fewer when the file ends.
 *
 * @param buffer from `createReadMemory`.
 * @throws Node's own error.
 */
export function digestPieces({ file, first, count, zeros }: PieceRange, buffer: Buffer): Uint8Array {
  using opened = new PositionedFile(file, buffer);
  const digests = Buffer.alloc(count * DIGEST_BYTES);
  let run = 0;
  for (let i = 0; i < count; i++) {
    const piece = first + i;
    while (run < zeros.length && zeros[run] + zeros[run + 1] <= piece) run += 2;
    const bytes = opened.read(piece * READ_BYTES, run < zeros.length && zeros[run] <= piece);
    if (bytes.length === 0) return digests.subarray(0, i * DIGEST_BYTES);
    writeDigest(bytes, digests, i);
  }
  return digests;
}

/** The same for a whole file, of which nothing is known. Where it has holes it is read past the page cache. */
export function digestWholeAndPieces(file: string, buffer: Buffer): WholeAndPieces {
  using opened = new PositionedFile(file, buffer);
  const whole = createHash('sha256');
  const pieces = Buffer.alloc(pieceCount(opened.sizeBytes) * DIGEST_BYTES);
  let sizeBytes = 0;
  for (let i = 0; i * DIGEST_BYTES < pieces.length; i++) {
    const bytes = opened.read(i * READ_BYTES, opened.hasHoles);
    whole.update(bytes);
    sizeBytes += bytes.length;
    writeDigest(bytes, pieces, i);
  }
  return { hex: whole.digest('hex'), sizeBytes, pieces };
}

/** Runs of zero pieces among digests: first, count, first, count. */
export function zeroRuns(digests: Uint8Array): readonly number[] {
  const view = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength);
  const none = ZEROS.subarray(0, DIGEST_BYTES);
  const runs: number[] = [];
  for (let i = 0; i * DIGEST_BYTES < view.length; i++) {
    if (!view.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES).equals(none)) continue;
    if (runs.length > 0 && runs[runs.length - 2] + runs[runs.length - 1] === i) runs[runs.length - 1]++;
    else runs.push(i, 1);
  }
  return runs;
}

function writeDigest(bytes: Buffer, digests: Buffer, i: number): void {
  if (bytes.equals(bytes.length === READ_BYTES ? ZEROS : ZEROS.subarray(0, bytes.length))) return;
  hash('sha256', bytes, 'buffer').copy(digests, i * DIGEST_BYTES);
}
