import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { readInitrd, type ReadInitrdOptions } from '../src/index.js';
import { collect, hostileBytes, inPieces, run, temporaryDirectory } from './workspace.js';

/** What cpio writes of some files. */
function archiveOf(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const cwd = mkdtempSync(join(tmpdir(), 'ict-archive-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
    return execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd, input: Object.keys(files).join('\n'), maxBuffer: 2 ** 30 });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

const padded = (bytes: Buffer, multiple: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((multiple - (bytes.length % multiple)) % multiple)]);

async function contents(bytes: Buffer, options: ReadInitrdOptions = {}, piece = 65536): Promise<string[]> {
  const found: string[] = [];
  for await (const { archive, name, content } of readInitrd(inPieces(bytes, piece), options))
    found.push(`${archive} ${name} ${(await collect(content)).toString()}`);
  return found;
}

const MICROCODE = padded(archiveOf({ microcode: 'for processors' }), 512);
const MAIN = archiveOf({ init: '#!/bin/sh', large: Buffer.alloc(300_000, 'content') });
const LAST = archiveOf({ last: 'words' });
const ALL = ['0 microcode for processors', '1 init #!/bin/sh', `1 large ${Buffer.alloc(300_000, 'content')}`];

const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  gzip: ['-9n'],
  xz: ['--check=crc32'],
  zstd: ['-q', '--stdout'],
  lz4: ['-l', '-q', '-9'],
  bzip2: [],
  'xz --format=lzma': [],
};

function compressed(how: string, bytes: Buffer): Buffer {
  const [program, ...more] = how.split(' ') as [string, ...string[]];
  return run(program, [...more, '-c', ...(PROGRAMS[how] ?? [])], { input: bytes });
}

describe('an initrd', () => {
  it.each(Object.keys(PROGRAMS))(
    'of microcode, padding and an archive compressed by %s is read in one go, from pieces of any size',
    async (how) => {
      const bytes = Buffer.concat([MICROCODE, compressed(how, MAIN)]);
      for (const piece of [1000, 65536, bytes.length]) expect(await contents(bytes, {}, piece)).toEqual(ALL);
      expect(await contents(compressed(how, MAIN))).toEqual(ALL.slice(1).map((line) => line.replace('1 ', '0 ')));
    },
  );

  it('is read to its end, whatever follows what has an end', async () => {
    const streams = [gzipSync(MAIN), zstdCompressSync(MAIN), compressed('lz4', MAIN), MAIN];
    for (const first of streams) {
      for (const zeros of [4, 512]) {
        for (const last of [LAST, gzipSync(LAST), zstdCompressSync(LAST), compressed('lz4', LAST), compressed('xz', LAST)]) {
          const bytes = Buffer.concat([MICROCODE, padded(Buffer.concat([first, Buffer.alloc(1)]), zeros), last, Buffer.alloc(4)]);
          for (const piece of [777, bytes.length]) expect(await contents(bytes, {}, piece)).toEqual([...ALL, '2 last words']);
        }
      }
      expect(await contents(Buffer.concat([MICROCODE, first, first]))).toHaveLength(5);
    }
  });

  it('may have several archives in one compressed part', async () => {
    expect(await contents(gzipSync(Buffer.concat([MICROCODE, MAIN, Buffer.alloc(512), LAST])))).toEqual([...ALL, '2 last words']);
  });

  it('has the files that cpio lists, with its numbers', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'dir'));
    writeFileSync(join(root, 'dir/file'), 'content');
    linkSync(join(root, 'dir/file'), join(root, 'same'));
    symlinkSync('dir/file', join(root, 'link'));
    const input = ['.', 'dir', 'dir/file', 'same', 'link'].join('\n');
    for (const format of ['newc', 'crc']) {
      const archive = execFileSync('cpio', ['-o', '-H', format, '--quiet'], { cwd: root, input });
      const listed = run('cpio', ['-t', '--quiet'], { input: archive }).toString().trim().split('\n');
      const names: (string | undefined)[] = [];
      for await (const { name, nameBytes } of readInitrd(inPieces(gzipSync(archive), 100))) {
        names.push(name);
        expect(nameBytes?.toString()).toBe(name);
      }
      expect(names).toEqual(listed);
    }
  });

  it('leaves no program running where nobody reads on', async () => {
    const bytes = Buffer.concat([MICROCODE, compressed('bzip2', archiveOf({ a: 'text', large: Buffer.alloc(20 * 2 ** 20, 'text') }))]);
    const before = process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
    const names: (string | undefined)[] = [];
    for await (const { name } of readInitrd(inPieces(bytes, 65536))) if (names.push(name) === 2) break;
    expect(names).toEqual(['microcode', 'a']);
    const running = (): number => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;
    await vi.waitFor(() => expect(running()).toBe(before));
  });
});

describe('what is refused', () => {
  const legacyLz4 = (block: Buffer): Buffer => {
    const head = Buffer.from('02214c1800000000', 'hex');
    head.writeUInt32LE(block.length, 4);
    return Buffer.concat([head, block]);
  };
  const broken = gzipSync(MAIN);
  broken[broken.length >> 1]! ^= 0xff;
  it.each<[string, Buffer, string]>([
    ['nothing at all', Buffer.alloc(0), 'ICT_ARCHIVE_CPIO'],
    ['zeros', Buffer.alloc(4096), 'ICT_ARCHIVE_CPIO'],
    ['compressed text', gzipSync('text'), 'ICT_ARCHIVE_CPIO'],
    ['text behind the archives', Buffer.concat([MICROCODE, Buffer.from('text')]), 'ICT_ARCHIVE_CPIO'],
    ['text behind what is compressed', Buffer.concat([zstdCompressSync(MAIN), Buffer.from('text')]), 'ICT_ARCHIVE_CPIO'],
    ['text behind zeros behind gzip', Buffer.concat([gzipSync(MAIN), Buffer.alloc(4), Buffer.from('text')]), 'ICT_ARCHIVE_CPIO'],
    ['text behind the blocks of lz4', Buffer.concat([compressed('lz4', MAIN), Buffer.from('text')]), 'ICT_ARCHIVE_CPIO'],
    ['compressed twice', gzipSync(gzipSync(MAIN)), 'ICT_ARCHIVE_CPIO'],
    ['an archive at an odd place', Buffer.concat([MICROCODE, Buffer.alloc(1), MAIN]), 'ICT_ARCHIVE_CPIO'],
    ['damaged gzip', Buffer.concat([MICROCODE, broken]), 'ICT_ARCHIVE_CORRUPT'],
    ['half of gzip', gzipSync(MAIN).subarray(0, 200), 'ICT_ARCHIVE_CORRUPT'],
    ['half of zstd', zstdCompressSync(MAIN).subarray(0, -9), 'ICT_ARCHIVE_CORRUPT'],
    ['half of lz4', compressed('lz4', MAIN).subarray(0, -9), 'ICT_ARCHIVE_CORRUPT'],
    [
      'a block of lz4 that becomes too large',
      legacyLz4(Buffer.from([0x1f, 0x30, 1, 0, ...Buffer.alloc(40_000, 255), 0])),
      'ICT_ARCHIVE_CORRUPT',
    ],
    ['half of an archive', gzipSync(MAIN.subarray(0, 1000)), 'ICT_ARCHIVE_TRUNCATED'],
    ['xz with text behind it', Buffer.concat([compressed('xz', MAIN), Buffer.from('text')]), 'ICT_ARCHIVE_CORRUPT'],
    ['lzop', Buffer.concat([MICROCODE, Buffer.from('894c5a4f000d0a1a0a1040', 'hex')]), 'ICT_ARCHIVE_COMPRESSION'],
    ['frames of lz4', run('lz4', ['-c', '-q'], { input: MAIN }), 'ICT_ARCHIVE_COMPRESSION'],
  ])('%s', async (_, bytes, code) => {
    for (const piece of [100, 65536]) await expect(contents(bytes, {}, piece)).rejects.toMatchObject({ code });
  });

  it('more bytes than are allowed, of all parts together', async () => {
    const bytes = Buffer.concat([gzipSync(MAIN), Buffer.alloc(4), zstdCompressSync(MAIN), Buffer.alloc(4), compressed('lz4', LAST)]);
    const sum = 2 * MAIN.length + LAST.length;
    expect(await contents(bytes, { maxBytes: sum })).toHaveLength(5);
    await expect(contents(bytes, { maxBytes: sum - 1 })).rejects.toMatchObject({
      code: 'ICT_ARCHIVE_TOO_LARGE',
      facts: { maxBytes: sum - 1 },
    });
  });

  it('bz2 without its program, which is named', async () => {
    const bytes = compressed('bzip2', MAIN);
    vi.stubEnv('PATH', temporaryDirectory());
    await expect(contents(bytes)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_PROGRAM_MISSING', facts: { program: 'bzip2' } });
    vi.unstubAllEnvs();
  });

  it('what fails as it is read, with the failure itself, and what is not wanted any more', async () => {
    const failure = new Error('the disk');
    async function* failing(bytes: Buffer): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 1000);
      await Promise.resolve();
      throw failure;
    }
    const large = archiveOf({ large: Buffer.from(Array.from({ length: 20_000 }, (_unused, index) => (index * index * 31) >> 3)) });
    for (const bytes of [large, gzipSync(large), zstdCompressSync(large), compressed('xz', large), compressed('lz4', large)])
      await expect(collectAll(readInitrd(failing(bytes)))).rejects.toBe(failure);
    await expect(contents(gzipSync(MAIN), { signal: AbortSignal.abort(failure) })).rejects.toBe(failure);
  });

  it('never without a code', async () => {
    const sound = [Buffer.concat([LAST, gzipSync(LAST), Buffer.alloc(4), compressed('lz4', LAST)]), zstdCompressSync(LAST)] as const;
    await fc.assert(
      fc.asyncProperty(fc.oneof(...sound.map(hostileBytes)), async (bytes) => {
        const outcome = await contents(bytes).then(
          () => 'ICT_ARCHIVE_READ',
          (error: { readonly code?: string }) => error.code,
        );
        expect(outcome).toMatch(/^ICT_ARCHIVE_/);
      }),
      { numRuns: 300 },
    );
  });
});

async function collectAll(entries: ReturnType<typeof readInitrd>): Promise<void> {
  for await (const { content } of entries) await collect(content);
}
