import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readFully, readPieces, type ByteRange } from '../src/piecewise.js';

const MIB = 1024 * 1024;
const PIECE = 64 * 1024;
const never = new AbortController().signal;
// Not below the system's temporary directory, which may be in memory, where there are no direct reads.
const directory = mkdtempSync(join(import.meta.dirname, '..', 'dist', 'piecewise-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = join(directory, 'file');

async function gather(pieces: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

async function readAll(data: readonly ByteRange[] | undefined): Promise<Buffer> {
  return Buffer.concat(await gather(readPieces(file, PIECE, data, never)));
}

describe('readPieces', () => {
  it('gives the bytes of the file, whatever it is told of them', async () => {
    const range = fc.record({ offset: fc.nat({ max: 6 * PIECE }), length: fc.nat({ max: 3 * PIECE }) });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 5 * PIECE }),
        fc.array(range, { maxLength: 3 }),
        fc.option(fc.array(range, { maxLength: 3 }), { nil: undefined }),
        async (size, parts, hints) => {
          const bytes = Buffer.alloc(size);
          for (const { offset, length } of parts) bytes.fill(0xa5, Math.min(offset, size), Math.min(offset + length, size));
          writeFileSync(file, bytes);
          expect(Buffer.compare(await readAll(hints), bytes)).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives the bytes of a part, whatever it is told of the file', async () => {
    const bytes = Buffer.from(Array.from({ length: 5 * PIECE }, (_none, index) => (index < 2 * PIECE ? 0 : index % 251)));
    writeFileSync(file, bytes);
    const places = fc.record({
      first: fc.nat({ max: 4 }),
      length: fc.integer({ min: 1, max: PIECE }),
      hints: fc.constantFrom([], undefined),
    });
    await fc.assert(
      fc.asyncProperty(places, async ({ first, length, hints }) => {
        const part = { offset: first * PIECE, length };
        const read = Buffer.concat(await gather(readPieces(file, PIECE, hints, never, undefined, part)));
        expect(Buffer.compare(read, bytes.subarray(part.offset, part.offset + length))).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('sees what was written a moment ago into what was called a hole', async () => {
    writeFileSync(file, '');
    truncateSync(file, 4 * PIECE);
    await using handle = await open(file, 'r+');
    await handle.write(Buffer.from('late'), 0, 4, 2 * PIECE + 100);
    expect((await readAll([])).subarray(2 * PIECE + 100, 2 * PIECE + 104).toString()).toBe('late');
  });

  it('lets a signal abort in the midst of a large hole', async () => {
    writeFileSync(file, '');
    truncateSync(file, 64 * MIB);
    const stopping = new AbortController();
    let pieces = 0;
    const reading = async (): Promise<void> => {
      for await (const piece of readPieces(file, PIECE, [], stopping.signal)) {
        if (pieces === 0) setImmediate(() => stopping.abort(new Error('enough')));
        pieces += piece.length / PIECE;
      }
    };
    await expect(reading()).rejects.toThrow('enough');
    expect(pieces).toBeLessThan((64 * MIB) / PIECE);
  });

  it('fills the one buffer that it is given, and gives no more of it than the file has', async () => {
    const bytes = Buffer.concat([Buffer.alloc(PIECE, 1), Buffer.alloc(PIECE), Buffer.alloc(100, 2)]);
    writeFileSync(file, bytes);
    const buffer = Buffer.alloc(PIECE);
    const copies: Buffer[] = [];
    const shared: boolean[] = [];
    for await (const piece of readPieces(file, PIECE, undefined, never, buffer)) {
      copies.push(Buffer.from(piece));
      shared.push(piece.buffer === buffer.buffer);
    }
    expect(Buffer.concat(copies)).toEqual(bytes);
    expect(shared).toEqual([true, false, true]);
  });

  it('gives one buffer for all pieces of zeros, and different ones for others', async () => {
    writeFileSync(file, Buffer.concat([Buffer.alloc(2 * PIECE), Buffer.alloc(PIECE, 1), Buffer.alloc(2 * PIECE), Buffer.alloc(PIECE, 2)]));
    const pieces = await gather(readPieces(file, PIECE, [{ offset: 0, length: PIECE }], never));
    expect(new Set([pieces[0], pieces[1], pieces[3], pieces[4]]).size).toBe(1);
    expect([pieces[2]?.[0], pieces[5]?.[0]]).toEqual([1, 2]);
  });

  it('stops when the signal says so', async () => {
    const reason = new Error('stop');
    await expect(gather(readPieces(file, PIECE, [], AbortSignal.abort(reason)))).rejects.toBe(reason);
  });
});

describe('readFully', () => {
  it('refuses a file that ends before', async () => {
    writeFileSync(file, 'abc');
    await using handle = await open(file, 'r');
    await expect(readFully(handle, Buffer.alloc(3), 1)).rejects.toThrow(RangeError);
  });
});
