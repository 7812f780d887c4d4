import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SparseFile } from '../src/sparse-file.js';

let root: string;
let files = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ict-sparse-'));
});

afterAll(() => rmSync(root, { recursive: true }));

async function write(pieces: readonly Uint8Array[]): Promise<string> {
  const path = join(root, `${(files += 1)}`);
  await using file = await SparseFile.create(path);
  for (const piece of pieces) await file.append(piece);
  await file.finish();
  return path;
}

/** Bytes that the file takes on disk. */
const takenBy = (path: string): number => statSync(path).blocks * 512;

describe('a file that is written in pieces', () => {
  it('is those pieces, wherever they are cut and whatever is zero', async () => {
    const run = fc.tuple(fc.constantFrom(0, 0, 7), fc.integer({ min: 0, max: 9000 })).map(([value, length]) => Buffer.alloc(length, value));
    await fc.assert(
      fc.asyncProperty(fc.array(run, { maxLength: 12 }), fc.integer({ min: 1, max: 10_000 }), async (runs, step) => {
        const content = Buffer.concat(runs);
        const pieces = [];
        for (let at = 0; at < content.length; at += step) pieces.push(content.subarray(at, at + step));
        expect(readFileSync(await write(pieces)).equals(content)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['in pieces of one kind', (runs: readonly Buffer[]) => runs],
    ['in one piece', (runs: readonly Buffer[]) => [Buffer.concat(runs)]],
    [
      'in pieces that end within blocks',
      (runs: readonly Buffer[]) => [Buffer.concat(runs).subarray(0, 100_001), Buffer.concat(runs).subarray(100_001)],
    ],
  ])('has holes where it is zeros, %s', async (_name, cut) => {
    const data = Buffer.alloc(64 * 1024, 1);
    const path = await write(cut([data, Buffer.alloc(8 * 1024 * 1024), data, Buffer.alloc(8 * 1024 * 1024)]));
    expect(statSync(path).size).toBe(16 * 1024 * 1024 + 2 * data.length);
    expect(takenBy(path)).toBeLessThan(1024 * 1024);
    expect(takenBy(path)).toBeGreaterThanOrEqual(2 * data.length);
  });

  it('may be empty', async () => {
    expect(readFileSync(await write([]))).toHaveLength(0);
  });

  it('is new', async () => {
    const path = await write([Buffer.from('first')]);
    await expect(SparseFile.create(path)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(path, 'utf8')).toBe('first');
  });
});
