import { closeSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import { compress, decompress, decompressFileTo, detectCompression, type Compression, type WritableCompression } from '../src/index.js';
import { findProgram } from '../src/codec-program.js';
import { decompressTo } from '../src/decompress.js';
import { collect, hostileBytes, inPieces, run, temporaryDirectory, zchunk } from './workspace.js';

const TEXT = Buffer.from(Array.from({ length: 8_000 }, (_, index) => `line ${index * 7919} of the text\n`).join(''));
const WRITABLE: readonly WritableCompression[] = ['gz', 'zstd', 'xz', 'bz2'];
const PACKED: readonly Exclude<Compression, 'none'>[] = ['gz', 'zstd', 'xz', 'bz2', 'lzma', 'zck'];

async function pack(kind: Exclude<Compression, 'none'>, bytes: Uint8Array, level?: number): Promise<Buffer> {
  if (kind === 'lzma') return run('xz', ['--format=lzma', '-c'], { input: Buffer.from(bytes) });
  if (kind === 'zck') return zchunk(bytes);
  const encoder = compress(kind, level);
  const [packed] = await Promise.all([
    collect(encoder),
    pipeline(Readable.from([Buffer.from(bytes)], { objectMode: false }), encoder, { end: true }),
  ]);
  return packed;
}

const unpack = (kind: Compression, bytes: Uint8Array, options?: Parameters<typeof decompress>[2]): Promise<Buffer> =>
  collect(decompress(inPieces(bytes, 10_007), kind, options));

describe('detection', () => {
  it.each<[string, Compression]>([
    ['data.tar.gz', 'gz'],
    ['x.tgz', 'gz'],
    ['Packages.xz', 'xz'],
    ['data.tar.zst', 'zstd'],
    ['A.BZ2', 'bz2'],
    ['a.lzma', 'lzma'],
    ['primary.xml.zck', 'zck'],
    ['data.tar', 'none'],
    ['gz', 'none'],
    ['a.constructor', 'none'],
    ['', 'none'],
  ])('takes the name %j for %s', (name, kind) => {
    expect(detectCompression(name)).toBe(kind);
  });

  it.each(PACKED)('knows %s by its first bytes', async (kind) => {
    expect(detectCompression((await pack(kind, TEXT)).subarray(0, 13))).toBe(kind);
    expect(detectCompression(await pack(kind, Buffer.alloc(0)))).toBe(kind);
  });

  it('takes text and nothing for uncompressed', () => {
    expect(detectCompression(TEXT)).toBe('none');
    expect(detectCompression(Buffer.alloc(0))).toBe('none');
    expect(detectCompression(Buffer.from(']\0\0'))).toBe('none');
  });
});

describe.each(PACKED)('%s', (kind) => {
  it('comes back as it was', async () => {
    expect((await unpack(kind, await pack(kind, TEXT))).equals(TEXT)).toBe(true);
    expect(await unpack(kind, await pack(kind, Buffer.alloc(0)))).toHaveLength(0);
  });

  it('is refused when cut, emptied or damaged', async () => {
    const packed = await pack(kind, TEXT);
    for (const cut of [0, 3, 9, 20, Math.floor(packed.length / 2), packed.length - 1]) {
      await expect(unpack(kind, packed.subarray(0, cut)), `cut at ${cut}`).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
    }
    const damaged = Buffer.from(packed);
    damaged.fill(0xa5, Math.floor(packed.length / 2), Math.floor(packed.length / 2) + 64);
    await expect(unpack(kind, damaged)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
  });

  it('stops at the bound', async () => {
    const packed = await pack(kind, TEXT);
    await expect(unpack(kind, packed, { maxBytes: TEXT.length - 1 })).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
    expect(await unpack(kind, packed, { maxBytes: TEXT.length })).toHaveLength(TEXT.length);
  });

  it('passes the failure of its source on', async () => {
    const packed = await pack(kind, TEXT);
    const failing = (async function* () {
      yield packed.subarray(0, 100);
      throw Object.assign(new Error('the disk is gone'), { code: 'EIO' });
    })();
    await expect(collect(decompress(failing, kind))).rejects.toMatchObject({ code: 'EIO' });
  });

  it('ends at once when the signal aborts, and closes a source that waits', async () => {
    const controller = new AbortController();
    const waiting = new Readable({ read: () => undefined });
    waiting.push((await pack(kind, TEXT)).subarray(0, 50));
    const reading = collect(decompress(waiting, kind, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(waiting.destroyed).toBe(true);
    expect(() => decompress(waiting, kind, { signal: controller.signal })).toThrow('enough');
  });

  it('lets its reader stop early', async () => {
    const source = inPieces(await pack(kind, TEXT), 1000);
    for await (const chunk of decompress(source, kind)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(source.destroyed).toBe(true);
  });
});

describe('several streams in one', () => {
  it.each(['gz', 'zstd', 'xz', 'bz2'] as const)('%s reads all of them, however they are cut', async (kind) => {
    const joined = Buffer.concat([await pack(kind, TEXT), await pack(kind, Buffer.from('and ')), await pack(kind, Buffer.from('more'))]);
    for (const size of [97, 65536]) {
      const whole = await collect(decompress(inPieces(joined, size), kind));
      expect(whole.equals(Buffer.concat([TEXT, Buffer.from('and more')]))).toBe(true);
    }
  });

  it.each(['gz', 'zstd', 'xz'] as const)('%s refuses anything else after the end', async (kind) => {
    await expect(unpack(kind, Buffer.concat([await pack(kind, TEXT), Buffer.from('more of something')]))).rejects.toMatchObject({
      code: 'ICT_ARCHIVE_CORRUPT',
    });
  });

  it('passes over skippable zstd frames, byte by byte too', async () => {
    const skippable = Buffer.from('5a2a4d1803000000aabbcc', 'hex');
    const joined = Buffer.concat([skippable, zstdCompressSync('one '), skippable, zstdCompressSync('two')]);
    expect((await collect(decompress(inPieces(joined, 1), 'zstd'))).toString()).toBe('one two');
    await expect(unpack('zstd', joined.subarray(0, 9))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
  });
});

describe('programs', () => {
  it('decodes xz without the program, one stream after another', async () => {
    const packed = await pack('xz', TEXT);
    const options = { searchPath: '' };
    expect((await unpack('xz', packed, options)).equals(TEXT)).toBe(true);
    expect((await unpack('xz', Buffer.concat([packed, Buffer.alloc(4), packed]), options)).equals(Buffer.concat([TEXT, TEXT]))).toBe(true);
    for (const bad of [
      packed.subarray(0, 1000),
      Buffer.alloc(0),
      Buffer.concat([packed, Buffer.from('trailing')]),
      Buffer.from('no xz at all'),
    ]) {
      await expect(unpack('xz', bad, options)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
    }
    for await (const chunk of decompress(inPieces(packed, 1000), 'xz', options)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const both = await Promise.all([unpack('xz', packed, options), unpack('xz', packed, options)]);
    expect(both.map((bytes) => bytes.equals(TEXT))).toEqual([true, true]);
  });

  it('does not take what it reads for damaged because its program was killed', async () => {
    const searchPath = temporaryDirectory();
    for (const name of ['xz', 'bzip2']) writeFileSync(join(searchPath, name), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
    const killed = { code: 'ICT_ARCHIVE_PROGRAM_FAILED', facts: { signal: 'SIGKILL' } };
    for (const kind of ['xz', 'bz2'] as const) await expect(unpack(kind, TEXT, { searchPath })).rejects.toMatchObject(killed);
    const descriptor = openSync(join(searchPath, 'out'), 'wx');
    await expect(decompressTo(inPieces(TEXT, 10_007), 'xz', descriptor, { searchPath })).rejects.toMatchObject(killed);
    closeSync(descriptor);
  });

  /** Programs as they are, to which the system gives no more than `ulimit` says. */
  function limited(...limits: readonly string[]): string {
    const searchPath = temporaryDirectory();
    for (const name of ['xz', 'bzip2']) {
      const script = ['#!/bin/sh', "trap '' XFSZ", ...limits.map((one) => `ulimit ${one}`), `exec ${findProgram(name)} "$@"`, ''];
      writeFileSync(join(searchPath, name), script.join('\n'), { mode: 0o755 });
    }
    return searchPath;
  }

  it.each([
    ['xz', 9, '-v 30000'],
    ['lzma', undefined, '-v 8000'],
    ['bz2', 9, '-v 5000'],
  ] as const)('does not take %s for damaged because memory ran out', async (kind, level, limit) => {
    const failed = { code: 'ICT_ARCHIVE_PROGRAM_FAILED', kind: 'host', facts: { reason: expect.stringMatching(/allocate/) } };
    await expect(unpack(kind, await pack(kind, TEXT, level), { searchPath: limited(limit) })).rejects.toMatchObject(failed);
  });

  it('does not take it for damaged because a dictionary is larger than what is decoded without the program', async () => {
    const packed = run('xz', ['--lzma2=preset=0,dict=96MiB', '-T1', '-c'], { input: TEXT });
    for (const small of [false, true]) {
      await expect(unpack('xz', packed, { searchPath: '', small })).rejects.toMatchObject({ code: 'ICT_ARCHIVE_PROGRAM_FAILED' });
    }
  });

  it('starts the program for small data with such a dictionary, and for no other', async () => {
    const packed = run('xz', ['--lzma2=preset=0,dict=96MiB', '-T1', '-c'], { input: TEXT });
    expect((await unpack('xz', packed, { small: true })).equals(TEXT)).toBe(true);
    const cut = unpack('xz', packed.subarray(0, 1000), { small: true });
    await expect(cut).rejects.toMatchObject({ code: 'ICT_ARCHIVE_CORRUPT' });
    await expect(unpack('xz', packed, { small: true, maxBytes: 1000 })).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
    const searchPath = temporaryDirectory();
    writeFileSync(join(searchPath, 'xz'), '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
    expect((await unpack('xz', await pack('xz', TEXT), { searchPath, small: true })).equals(TEXT)).toBe(true);
  });

  it('does not take it for damaged because what it writes has no room, or because it is no such program', async () => {
    const searchPath = limited('-f 8');
    const packed = await pack('xz', TEXT);
    const descriptor = openSync(join(searchPath, 'out'), 'wx');
    await expect(decompressTo(inPieces(packed, 10_007), 'xz', descriptor, { searchPath })).rejects.toMatchObject({ code: 'EFBIG' });
    closeSync(descriptor);
    writeFileSync(join(searchPath, 'xz'), '#!/bin/sh\nexit 127\n');
    await expect(unpack('xz', packed, { searchPath })).rejects.toMatchObject({ code: 'ICT_ARCHIVE_PROGRAM_FAILED' });
  });

  it.each(['bz2', 'lzma'] as const)('says which program %s needs', (kind) => {
    expect(() => decompress(inPieces(TEXT, 1000), kind, { searchPath: '/nonexistent:relative' })).toThrow(
      expect.objectContaining({ code: 'ICT_ARCHIVE_PROGRAM_MISSING' }),
    );
  });

  it.each(['bz2', 'xz'] as const)('cannot write %s without its program', (kind) => {
    expect(() => compress(kind, undefined, { searchPath: '' })).toThrow(expect.objectContaining({ code: 'ICT_ARCHIVE_PROGRAM_MISSING' }));
  });
});

describe('compress', () => {
  it.each(WRITABLE)('writes %s the same way twice, at each level', async (kind) => {
    for (const level of [1, 9]) {
      const packed = await pack(kind, TEXT, level);
      expect(packed.equals(await pack(kind, TEXT, level))).toBe(true);
      expect((await unpack(kind, packed)).equals(TEXT)).toBe(true);
    }
  });

  it('writes a gzip header without name, time and system', async () => {
    expect((await pack('gz', TEXT)).subarray(0, 10).toString('hex')).toBe('1f8b0800000000000003');
    expect(run('gzip', ['-dc'], { input: await pack('gz', TEXT) }).equals(TEXT)).toBe(true);
  });

  it.each<[WritableCompression, number]>([
    ['gz', 0],
    ['gz', 10],
    ['zstd', 20],
    ['xz', -1],
    ['bz2', 1.5],
    ['xz', NaN],
  ])('refuses %s level %d', (kind, level) => {
    expect(() => compress(kind, level)).toThrow(expect.objectContaining({ code: 'ICT_ARCHIVE_LEVEL' }));
  });
});

describe('decompressFileTo', () => {
  it.each([...PACKED, 'none'] as const)('hashes both sides of %s', async (kind) => {
    const directory = temporaryDirectory();
    const packed = kind === 'none' ? TEXT : await pack(kind, TEXT);
    writeFileSync(join(directory, 'in'), packed);
    const result = await decompressFileTo(join(directory, 'in'), join(directory, 'out'), { maxBytes: TEXT.length });
    expect(result).toEqual({
      kind,
      input: { digest: digestOf(packed), sizeBytes: packed.length },
      output: { digest: digestOf(TEXT), sizeBytes: TEXT.length },
    });
    expect(readFileSync(join(directory, 'out')).equals(TEXT)).toBe(true);
  });

  it.each<[string, Buffer, number, string]>([
    ['too large', gzipSync(TEXT), 5000, 'ICT_ARCHIVE_TOO_LARGE'],
    ['cut', gzipSync(TEXT).subarray(0, 1000), TEXT.length, 'ICT_ARCHIVE_CORRUPT'],
  ])('leaves nothing behind when the input is %s', async (_name, packed, maxBytes, code) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'in'), packed);
    await expect(decompressFileTo(join(directory, 'in'), join(directory, 'out'), { maxBytes })).rejects.toMatchObject({ code });
    expect(readdirSync(directory)).toEqual(['in']);
  });

  it('does not touch a file that exists', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'in'), 'new');
    writeFileSync(join(directory, 'out'), 'old');
    await expect(decompressFileTo(join(directory, 'in'), join(directory, 'out'), { maxBytes: 10 })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('old');
  });
});

it.each<Compression>([...PACKED, 'none'])('%s ends or fails with its own code for any bytes', async (kind) => {
  const sound = kind === 'none' ? TEXT.subarray(0, 500) : await pack(kind, TEXT.subarray(0, 500));
  await fc.assert(
    fc.asyncProperty(hostileBytes(sound), async (input) => {
      const outcome = await collect(decompress(inPieces(input, 37), kind, { maxBytes: 100_000 })).then(
        () => 'read',
        (error: { code?: string }) => error.code,
      );
      // Any bytes may ask for a dictionary that is larger than memory.
      expect(['read', 'ICT_ARCHIVE_CORRUPT', 'ICT_ARCHIVE_TOO_LARGE', 'ICT_ARCHIVE_PROGRAM_FAILED']).toContain(outcome);
    }),
    // What a program unpacks takes a process for each run.
    { numRuns: ['xz', 'bz2', 'lzma'].includes(kind) ? 100 : 300 },
  );
});
