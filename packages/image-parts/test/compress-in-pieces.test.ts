import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { execute } from '@ict/fixtures';
import { compressFile } from '../src/compress-in-pieces.js';

const MIB = 1024 * 1024;

const directory = mkdtempSync(join(tmpdir(), 'ict-compress-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const plain = join(directory, 'plain');
const never = new AbortController().signal;

/** Bytes that do not compress, the same in each run. */
function noise(bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let block = createHash('sha256').update('noise').digest(), size = 0; size < bytes; size += block.length) {
    parts.push(block);
    block = createHash('sha256').update(block).digest();
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

const READERS = { gz: gunzipSync, zstd: zstdDecompressSync } as const;

describe.each(['gz', 'zstd'] as const)('compressFile to %s', (kind) => {
  const target = join(directory, `result.${kind}`);

  it.each<[string, number, readonly (readonly [number, Buffer])[]]>([
    ['nothing', 0, []],
    ['one byte', 1, [[0, Buffer.from('x')]]],
    ['exactly one piece', MIB, [[0, noise(MIB)]]],
    [
      'holes between data',
      9 * MIB + 5,
      [
        [2 * MIB - 7, noise(100_000)],
        [8 * MIB, noise(300)],
      ],
    ],
    ['only a hole', 5 * MIB, []],
  ])('keeps %s', async (_, size, parts) => {
    const bytes = Buffer.alloc(size);
    for (const [at, part] of parts) bytes.set(part, at);
    writeFileSync(plain, bytes);
    await compressFile(kind, plain, target, undefined, never);
    const read = READERS[kind](readFileSync(target));
    expect(Buffer.compare(read, bytes)).toBe(0);
  });

  it('keeps any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        writeFileSync(plain, bytes);
        await compressFile(kind, plain, target, undefined, never);
        expect(Buffer.compare(READERS[kind](readFileSync(target)), bytes)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  it('does not depend on how the file lies on the disk, and costs little for holes', async () => {
    writeFileSync(plain, noise(200_000));
    truncateSync(plain, 40 * MIB);
    await compressFile(kind, plain, target, undefined, never);
    const sparse = readFileSync(target);
    writeFileSync(plain, readFileSync(plain));
    await compressFile(kind, plain, target, undefined, never);
    expect(Buffer.compare(readFileSync(target), sparse)).toBe(0);
    expect(sparse.length).toBeLessThan(260_000);
  });

  it('stops when the signal says so', async () => {
    writeFileSync(plain, noise(MIB));
    const reason = new Error('stop');
    await expect(compressFile(kind, plain, target, undefined, AbortSignal.abort(reason))).rejects.toThrow();
  });

  it('fails when there is nothing to read', async () => {
    await expect(compressFile(kind, join(directory, 'missing'), target, undefined, never)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

it('writes gzip that gzip itself accepts, without a time', async () => {
  writeFileSync(plain, noise(3 * MIB));
  const target = join(directory, 'result.gz');
  await compressFile('gz', plain, target, undefined, never);
  expect((await execute('gzip', ['--test', target])).exitCode).toBe(0);
  expect(readFileSync(target).subarray(4, 8)).toEqual(Buffer.alloc(4));
});
