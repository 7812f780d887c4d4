import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { decompress, decompressAtOnce } from '../src/index.js';
import { collect, hostileBytes, inPieces } from './workspace.js';

const TEXT = Buffer.from(Array.from({ length: 8_000 }, (_, index) => `line ${index * 7919} of the text\n`).join(''));
const MAX = 2 ** 20;
/** As rpm does it, with checks that are SHA-256. */
const xzSync = (bytes: Uint8Array | string): Buffer => execFileSync('xz', ['-1', '--check=sha256', '-c'], { input: bytes });

describe.each([
  ['gz', gzipSync],
  ['zstd', zstdCompressSync],
  ['xz', xzSync],
] as const)('%s in one call', (kind, pack) => {
  it.each([
    ['a text', TEXT],
    ['much that is alike', Buffer.alloc(MAX)],
    ['nothing', Buffer.alloc(0)],
  ])('gives back %s', (_what, bytes) => {
    expect(decompressAtOnce(pack(bytes), kind, MAX)?.equals(bytes)).toBe(true);
  });

  it('leaves what is larger than it may be, and what is damaged, to others', () => {
    const packed = pack(TEXT);
    expect(decompressAtOnce(packed, kind, TEXT.length)).toHaveLength(TEXT.length);
    expect(decompressAtOnce(packed, kind, TEXT.length - 1)).toBeUndefined();
    for (const cut of [0, 9, packed.length - 1]) expect(decompressAtOnce(packed.subarray(0, cut), kind, MAX)).toBeUndefined();
    expect(decompressAtOnce(Buffer.concat([packed, Buffer.from('more')]), kind, MAX)).toBeUndefined();
  });

  it('says nothing else than the stream would, of whatever bytes', async () => {
    await fc.assert(
      fc.asyncProperty(hostileBytes(Buffer.concat([pack(TEXT), pack('and more')])), async (bytes) => {
        const whole = decompressAtOnce(bytes, kind, MAX);
        if (whole !== undefined) expect(whole.equals(await collect(decompress(inPieces(bytes, 65_536), kind)))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

it('never takes the first of several zstd frames for all', () => {
  expect(decompressAtOnce(Buffer.concat([zstdCompressSync('one '), zstdCompressSync('two')]), 'zstd', MAX)).toBeUndefined();
  expect(decompressAtOnce(Buffer.concat([gzipSync('one '), gzipSync('two')]), 'gz', MAX)?.toString()).toBe('one two');
});

it.each(['none', 'lzma', 'bz2', 'zck'] as const)('leaves %s to others', (kind) => {
  expect(decompressAtOnce(TEXT, kind, MAX)).toBeUndefined();
});

it('leaves xz to others where its program is not there, or cannot be started', () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  const packed = xzSync(TEXT);
  const place = mkdtempSync(join(tmpdir(), 'ict-xz-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  vi.stubEnv('PATH', place);
  expect(decompressAtOnce(packed, 'xz', MAX)).toBeUndefined();
  writeFileSync(join(place, 'xz'), 'no program', { mode: 0o755 });
  expect(decompressAtOnce(packed, 'xz', MAX)).toBeUndefined();
});
