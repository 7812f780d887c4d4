import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILL_BYTES, StoredGunzip } from '../src/agent/stored-gunzip.js';
import { framed } from './framed.js';

let base: string;
let file: string;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-stored-'));
  file = join(base, 'archive.gz');
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const bytesOf = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_none, at) => (at * 31) % 251));

/** All of the file, through one buffer. */
function read(): Buffer {
  const stored = StoredGunzip.open(file) as StoredGunzip;
  const memory = Buffer.alloc(FILL_BYTES);
  const parts: Buffer[] = [];
  try {
    for (let bytes = stored.fill(memory); bytes !== undefined; bytes = stored.fill(memory)) parts.push(Buffer.from(bytes));
    expect(stored.fill(memory)).toBeUndefined();
  } finally {
    stored.close();
  }
  return Buffer.concat(parts);
}

describe('what was stored as gzip', () => {
  it('is read back, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat({ max: 700_000 }), fc.constantFrom(0, 1, 65_535, 65_536, 262_140, 262_141)), (size) => {
        writeFileSync(file, framed(bytesOf(size)));
        expect(read().equals(bytesOf(size))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['compressed', () => gzipSync(bytesOf(200_000))],
    ['stored by zlib, in other blocks and with another head', () => gzipSync(bytesOf(200_000), { level: 0 })],
    ['cut short', (bytes) => bytes.subarray(0, -1)],
    ['cut short within a head', (bytes) => bytes.subarray(0, 10 + 65_540 + 3)],
    ['longer than it says', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['damaged in the head of a block', (bytes) => changed(bytes, 10 + 65_540)],
    ['no gzip', () => Buffer.from('plain')],
    ['empty', () => Buffer.alloc(0)],
  ])('is left to zlib when it is %s', (_what, made) => {
    writeFileSync(file, made(framed(bytesOf(200_000))));
    expect(StoredGunzip.open(file)).toBeUndefined();
  });

  it.each<[string, (path: string) => unknown]>([
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a link to a device that never ends', (path) => symlinkSync('/dev/zero', path)],
  ])('is not waited for in %s', (_what, put) => {
    const path = join(base, 'special');
    put(path);
    expect(() => StoredGunzip.open(path)).toThrow(/^ENXIO/);
    rmSync(path);
  });

  it.each([
    ['content', 5000],
    ['checksum', -8],
    ['size', -1],
  ])('is refused when its %s is another', (_what, at) => {
    writeFileSync(file, changed(framed(bytesOf(200_000)), at));
    expect(read).toThrow('the checksum is wrong');
  });

  it('is refused when it changes while it is read', () => {
    writeFileSync(file, framed(bytesOf(600_000)));
    const stored = StoredGunzip.open(file) as StoredGunzip;
    const memory = Buffer.alloc(FILL_BYTES);
    stored.fill(memory);
    writeFileSync(file, framed(bytesOf(100_000)));
    expect(() => stored.fill(memory)).toThrow('the checksum is wrong');
    stored.close();
  });
});

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] as number) ^ 4;
  return copy;
}
