import { createHash } from 'node:crypto';
import { pieceCount, zeroRuns } from './piece-digests.js';
import { READ_BYTES } from './positioned-file.js';

/**
 * What is kept of a file's pieces, as plain data: it names the content as well as a SHA-256 over all of it does, but can be checked by
 * several threads, and without hashing zeros.
 */
export interface PieceRecord {
  readonly pieceBytes: number;
  readonly sizeBytes: number;
  /** SHA-256 (hex) over size and the digests of all pieces. */
  readonly digest: string;
  /** Runs of pieces that are zeros: first, count, first, count. A hint how to read them; what they are is in `digest`. */
  readonly zeros: readonly number[];
}

/** @param digests of all pieces, one after another. */
export function pieceRecord(sizeBytes: number, digests: Uint8Array): PieceRecord {
  return { pieceBytes: READ_BYTES, sizeBytes, digest: combined(sizeBytes, [digests]), zeros: zeroRuns(digests) };
}

/** Whether a record says this of a file. @param parts digests of its pieces, in order. */
export function recordSays(record: PieceRecord, sizeBytes: number, parts: readonly Uint8Array[]): boolean {
  return record.sizeBytes === sizeBytes && record.digest === combined(sizeBytes, parts);
}

/** Whether this version can use what was kept. */
export function isPieceRecord(value: unknown): value is PieceRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { pieceBytes, sizeBytes, digest, zeros } = value as Record<string, unknown>;
  const pieces = typeof sizeBytes === 'number' ? pieceCount(sizeBytes) : 0;
  const isPlace = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0 && (one as number) <= pieces;
  return pieceBytes === READ_BYTES && typeof digest === 'string' && Array.isArray(zeros) && zeros.length % 2 === 0 && zeros.every(isPlace);
}

function combined(sizeBytes: number, parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(`${READ_BYTES} ${sizeBytes}\n`);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
