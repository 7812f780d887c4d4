import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StoredGzip } from '../src/agent/stored-gzip.js';
import { framed } from './framed.js';

it.each([0, 1, 65_534, 65_535, 65_536, 131_070, 200_000, 262_140, 262_141, 700_000])('is read by gzip: %i bytes', (size) => {
  const bytes = Buffer.alloc(size, 'abcdefg');
  const { status, stdout } = spawnSync('gzip', ['-dc'], { input: framed(bytes), maxBuffer: 2 ** 20 });
  expect(status).toBe(0);
  expect(stdout.equals(bytes)).toBe(true);
});

it('depends on the bytes alone, not on how they arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 90_000 }), { maxLength: 6 }), (sizes) => {
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const whole = Buffer.concat(chunks);
      const result = framed(...chunks);
      expect(result.equals(framed(whole))).toBe(true);
      expect(gunzipSync(result).equals(whole)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

it('says why a file takes no more', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const gzip = new StoredGzip(full);
    gzip.write(Buffer.alloc(10));
    expect(() => gzip.end()).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error);
  } finally {
    closeSync(full);
  }
});
