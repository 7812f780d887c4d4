import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier } from '../dist/index.js';
import { digestFileSync } from '../src/file-digest.js';
import { digestPieces, digestWholeAndPieces, zeroRuns } from '../src/piece-digests.js';
import { isPieceRecord, pieceRecord, recordSays } from '../src/piece-record.js';
import { createReadMemory, READ_BYTES } from '../src/positioned-file.js';

const buffer = createReadMemory()();
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-pieces-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A file of this size that holds `bytes` at some places and holes elsewhere. */
function sparseFile(sizeBytes: number, places: readonly number[], bytes: string | Uint8Array = 'data'): string {
  const file = join(directory, 'sparse');
  const descriptor = openSync(file, 'w');
  ftruncateSync(descriptor, sizeBytes);
  for (const place of places) writeSync(descriptor, Buffer.from(bytes), 0, undefined, place);
  closeSync(descriptor);
  return file;
}

/** What the digests must be, said in the simplest way. */
function expectedPieces(content: Buffer): Buffer {
  const digests: Buffer[] = [];
  for (let at = 0; at < content.length; at += READ_BYTES) {
    const piece = content.subarray(at, at + READ_BYTES);
    digests.push(piece.equals(Buffer.alloc(piece.length)) ? Buffer.alloc(32) : createHash('sha256').update(piece).digest());
  }
  return Buffer.concat(digests);
}

describe('digests of pieces', () => {
  it('are those of the bytes, whatever is expected to be zeros, and in whatever parts they are read', () => {
    const pieces = 5;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: pieces * READ_BYTES }),
        fc.array(fc.integer({ min: 0, max: pieces * READ_BYTES }), { maxLength: 3 }),
        fc.array(fc.boolean(), { minLength: pieces, maxLength: pieces }),
        fc.integer({ min: 1, max: pieces }),
        (size, places, expectedZero, step) => {
          const file = sparseFile(
            size,
            places.filter((place) => place + 4 <= size),
          );
          const content = readFileSync(file);
          const whole = digestWholeAndPieces(file, buffer);
          expect(whole.hex).toBe(createHash('sha256').update(content).digest('hex'));
          expect(whole.sizeBytes).toBe(size);
          expect(digestFileSync(file, 'sha256', buffer)).toEqual({ hex: whole.hex, sizeBytes: size });
          expect(Buffer.from(whole.pieces)).toEqual(expectedPieces(content));
          const zeros = expectedZero.flatMap((zero, piece) => (zero ? [piece, 1] : []));
          const parts: Uint8Array[] = [];
          for (let first = 0; first < pieces; first += step) parts.push(digestPieces({ file, first, count: step, zeros }, buffer));
          expect(Buffer.concat(parts)).toEqual(expectedPieces(content));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('tell runs of zeros', () => {
    const file = sparseFile(6 * READ_BYTES + 5, [READ_BYTES, 2 * READ_BYTES, 5 * READ_BYTES - 4]);
    expect(zeroRuns(digestWholeAndPieces(file, buffer).pieces)).toEqual([0, 1, 3, 1, 5, 2]);
  });
});

describe('a record of pieces', () => {
  it('is for one content and size, and one form', () => {
    const digests = expectedPieces(Buffer.from('content'));
    const record = pieceRecord(7, digests);
    expect(isPieceRecord(JSON.parse(JSON.stringify(record)))).toBe(true);
    expect(recordSays(record, 7, [digests])).toBe(true);
    expect(recordSays(record, 8, [digests])).toBe(false);
    expect(recordSays(record, 7, [expectedPieces(Buffer.from('Content'))])).toBe(false);
  });

  it.each([
    [null],
    ['text'],
    [{}],
    [{ pieceBytes: 1, sizeBytes: 1, digest: 'a', zeros: [] }],
    [{ pieceBytes: READ_BYTES, sizeBytes: 1, digest: 1, zeros: [] }],
    [{ pieceBytes: READ_BYTES, sizeBytes: 1, digest: 'a', zeros: [0] }],
    [{ pieceBytes: READ_BYTES, sizeBytes: 1, digest: 'a', zeros: [0, 2] }],
    [{ pieceBytes: READ_BYTES, sizeBytes: 1, digest: 'a', zeros: [-1, 1] }],
  ])('%j is none', (value) => expect(isPieceRecord(value)).toBe(false));
});

describe('the built pool', () => {
  const MIB = 1024 * 1024;

  it('finds every change of a file whose pieces it knows', async () => {
    const verifier = createVerifier({ workers: 2 });
    try {
      const places = [0, 17 * MIB - 4, 33 * MIB];
      const file = sparseFile(40 * MIB + 3, places);
      const { digest, sizeBytes, pieces } = await verifier.digestPiecewise(file);
      expect({ digest, sizeBytes }).toEqual(await verifier.digestFile(file));
      expect(statSync(file).blocks * 512).toBeLessThan(MIB);
      expect(await verifier.samePieces(file, pieces)).toBe(true);
      for (const place of [1, 17 * MIB - 1, 20 * MIB, 40 * MIB + 2]) {
        expect(await verifier.samePieces(sparseFile(40 * MIB + 3, [...places, place], 'x'), pieces)).toBe(false);
      }
      expect(await verifier.samePieces(sparseFile(40 * MIB + 3, places.slice(1)), pieces)).toBe(false);
      expect(await verifier.samePieces(sparseFile(40 * MIB + 4, places), pieces)).toBe(false);
      expect(await verifier.samePieces(sparseFile(40 * MIB + 3, places), pieces)).toBe(true);
      expect(await verifier.samePieces(file, { ...(pieces as object), pieceBytes: 1 })).toBe(false);
      expect(await verifier.samePieces(join(directory, 'absent'), pieces)).toBe(false);
      await expect(verifier.digestPiecewise(join(directory, 'absent'))).rejects.toMatchObject({ code: 'ICT_VERIFY_READ' });
      writeFileSync(file, '');
      const empty = await verifier.digestPiecewise(file);
      expect(await verifier.samePieces(file, empty.pieces)).toBe(true);
    } finally {
      await verifier.close();
    }
  });
});
