import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StoredGzip } from '../src/agent/stored-gzip.js';

const framed = (chunks: readonly Uint8Array[]): Promise<Buffer> =>
  buffer(Readable.from(chunks, { objectMode: false }).pipe(new StoredGzip()));

it.each([0, 1, 65_534, 65_535, 65_536, 131_070, 200_000])('is read by gzip: %i bytes', async (size) => {
  const bytes = Buffer.alloc(size, 'abcdefg');
  const { status, stdout } = spawnSync('gzip', ['-dc'], { input: await framed([bytes]), maxBuffer: 2 ** 20 });
  expect(status).toBe(0);
  expect(stdout.equals(bytes)).toBe(true);
});

it('depends on the bytes alone, not on how they arrive', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 90_000 }), { maxLength: 6 }), async (sizes) => {
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const whole = Buffer.concat(chunks);
      const result = await framed(chunks);
      expect(result.equals(await framed([whole]))).toBe(true);
      expect(gunzipSync(result).equals(whole)).toBe(true);
    }),
    { numRuns: 30 },
  );
});
