import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompress } from '../src/index.js';
import { collect, inPieces, run, temporaryDirectory, zchunk } from './workspace.js';

const TEXT = Buffer.from(
  Array.from({ length: 1_000 }, (_, at) => `<package><name>p${at}</name><sum>${at * 7919}</sum></package>\n`).join(''),
);

const unpack = (bytes: Uint8Array, maxBytes?: number): Promise<Buffer> =>
  collect(decompress(inPieces(bytes, 1009), 'zck', maxBytes === undefined ? {} : { maxBytes }));

/** A number as zchunk writes it. */
function number(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push(value & 0x7f);
  return Buffer.from([...bytes, value | 0x80]);
}

interface Part {
  readonly stored: Buffer;
  readonly plainBytes?: number;
}

/** A zchunk file out of parts that may be wrong; its header is always what its checksum says. */
function make(
  parts: readonly Part[],
  change: { flags?: number; compression?: number; count?: number; magic?: string; kind?: number; sum?: Buffer; size?: number } = {},
): Buffer {
  const sum = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
  const data = Buffer.concat(parts.map(({ stored }) => stored));
  const chunks = parts.flatMap(({ stored, plainBytes = stored.length }) => [
    change.sum ?? sum(stored),
    number(stored.length),
    number(plainBytes),
  ]);
  const index = Buffer.concat([number(1), number(change.count ?? parts.length), ...chunks]);
  const rest = Buffer.concat([
    ...[sum(data), number(change.flags ?? 0), number(change.compression ?? 0)],
    ...[number(index.length), index, number(0)],
  ]);
  const lead = Buffer.concat([
    Buffer.from(change.magic ?? '\0ZCK1', 'latin1'),
    number(change.kind ?? 1),
    number(change.size ?? rest.length),
  ]);
  return Buffer.concat([lead, sum(Buffer.concat([lead, rest])), rest, data]);
}

const NO_DICTIONARY: Part = { stored: Buffer.alloc(0) };
const CHUNK: Part = { stored: Buffer.from('one chunk') };

describe('files of zck', () => {
  const dictionary = (): string => {
    const path = temporaryDirectory();
    const samples = Array.from({ length: 400 }, (_, at) => {
      writeFileSync(join(path, `sample-${at}`), TEXT.subarray(at * 100, at * 100 + 300));
      return join(path, `sample-${at}`);
    });
    run('zstd', ['-q', '--train', '--maxdict=4096', '-o', join(path, 'dictionary'), ...samples]);
    return join(path, 'dictionary');
  };

  it.each<[string, () => readonly string[]]>([
    ['in chunks of its own choice', () => []],
    ['in chunks that begin at a text', () => ['-m', '-s', '0</name>']],
    ['in one chunk, which is not decoded at once', () => ['-m']],
    ['without compression', () => ['--compression-format=none', '-m', '-s', '0</name>']],
    ['with checksums of what is decompressed', () => ['-u', '-m', '-s', '0</name>']],
    ['with a dictionary', () => ['-D', dictionary(), '-m', '-s', '0</name>']],
    ['with sha256 of chunks', () => ['-h', 'sha256', '-m', '-s', '0</name>']],
    ['with sha512 of chunks', () => ['-h', 'sha512']],
  ])('are read %s', async (_, args) => {
    // Above what is decoded at once.
    const text = Buffer.concat(Array.from({ length: 6 }, () => TEXT));
    const packed = zchunk(text, args());
    expect((await unpack(packed)).equals(text)).toBe(true);
    // What `unzck` makes of it is the same.
    const path = temporaryDirectory();
    writeFileSync(join(path, 'x.zck'), packed);
    expect(run('unzck', ['-c', join(path, 'x.zck')]).equals(text)).toBe(true);
  });

  it('are refused wherever one bit is changed', async () => {
    const packed = zchunk(TEXT.subarray(0, 2000), ['-m', '-s', '<package>']);
    await fc.assert(
      fc.asyncProperty(fc.nat(packed.length - 1), fc.nat(7), async (at, bit) => {
        const damaged = Buffer.from(packed);
        damaged[at]! ^= 1 << bit;
        await expect(unpack(damaged)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
      }),
      { numRuns: 100 },
    );
  });
});

describe('what real programs wrote', () => {
  it('is read as its plain twin, made by createrepo_c', async () => {
    const fixture = (name: string): Buffer => readFileSync(new URL(`fixtures/zchunk/${name}`, import.meta.url));
    const plain = await collect(decompress(Readable.from([fixture('primary.xml.gz')]), 'gz'));
    expect((await unpack(fixture('primary.xml.zck'))).equals(plain)).toBe(true);
  });
});

describe('made-up files', () => {
  it('are read when nothing is wrong with them', async () => {
    expect((await unpack(make([NO_DICTIONARY, CHUNK, CHUNK]))).toString()).toBe('one chunkone chunk');
    expect(await unpack(make([NO_DICTIONARY]))).toHaveLength(0);
  });

  const zstd = (text: string | Buffer): Buffer => zstdCompressSync(text);
  it.each<[string, RegExp, () => Buffer]>([
    ['another file', /start/, () => make([CHUNK], { magic: '\0ZCK2' })],
    ['a header without data', /without data/, () => make([CHUNK], { magic: '\0ZHR1' })],
    ['an unknown checksum', /checksum 9/, () => make([CHUNK], { kind: 9 })],
    ['a header beyond the bound', /larger than/, () => make([CHUNK], { size: 2 ** 30 })],
    ['a header that is longer than the file', /within its header/, () => make([CHUNK], { size: 2 ** 20 })],
    ['a number without end', /too large/, () => Buffer.concat([Buffer.from('\0ZCK1', 'latin1'), Buffer.alloc(99, 0x7f)])],
    ['a file that ends within a number', /within its header/, () => Buffer.from('\0ZCK1\x01', 'latin1')],
    ['streams', /flags 1/, () => make([CHUNK], { flags: 1 })],
    ['an unknown compression', /compression 1/, () => make([CHUNK], { compression: 1 })],
    ['more chunks than it lists', /longer than the header/, () => make([CHUNK], { count: 2 ** 40 })],
    ['fewer chunks than it lists', /more than it says/, () => make([NO_DICTIONARY, CHUNK], { count: 1 })],
    ['a chunk of another checksum', /checksum/, () => make([NO_DICTIONARY, CHUNK], { sum: randomBytes(32) })],
    ['a chunk that is longer than it says', /longer/, () => make([NO_DICTIONARY, { ...CHUNK, plainBytes: 3 }])],
    ['a chunk that is shorter than it says', /shorter/, () => make([NO_DICTIONARY, { ...CHUNK, plainBytes: 2 ** 45 }])],
    ['a file that ends within a chunk', /within chunk 1/, () => make([NO_DICTIONARY, CHUNK]).subarray(0, -1)],
    ['something after the last chunk', /last chunk/, () => Buffer.concat([make([NO_DICTIONARY, CHUNK]), CHUNK.stored])],
    ['a huge dictionary', /dictionary/, () => make([{ ...CHUNK, plainBytes: 2 ** 45 }])],
    ['a chunk that is no zstd', /decompress/, () => make([NO_DICTIONARY, { ...CHUNK, plainBytes: 90 }], { compression: 2 })],
    [
      'a small chunk that decompresses to more',
      /decompress/,
      () => make([NO_DICTIONARY, { stored: zstd(TEXT), plainBytes: 10 }], { compression: 2 }),
    ],
    [
      'a large chunk that decompresses to more',
      /longer/,
      () => make([NO_DICTIONARY, { stored: zstd(Buffer.alloc(2 ** 24)), plainBytes: 2 ** 20 }], { compression: 2 }),
    ],
    [
      'a large chunk with something behind its frame',
      /follows the last frame/,
      () => make([NO_DICTIONARY, { stored: Buffer.concat([zstd(Buffer.alloc(2 ** 20)), TEXT]), plainBytes: 2 ** 20 }], { compression: 2 }),
    ],
  ])('are refused for %s', async (_, reason, made) => {
    await expect(unpack(made())).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT', message: expect.stringMatching(reason) as string });
  });

  it('stop at the bound, whatever their header says', async () => {
    const bomb = make([NO_DICTIONARY, { stored: zstd(Buffer.alloc(2 ** 26)), plainBytes: 2 ** 26 }], { compression: 2 });
    expect(bomb.length).toBeLessThan(10_000);
    await expect(unpack(bomb, 2 ** 20)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
  });
});
