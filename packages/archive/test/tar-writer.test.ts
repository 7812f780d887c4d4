import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTar, writeTar, type TarInput } from '../src/index.js';
import { allEntries, collect, gather, inPieces, sh, temporaryDirectory } from './workspace.js';

const base = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const;

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed() && !/[\0/]/.test(text));
const path = fc.array(name, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'));
const common = {
  path,
  mode: fc.nat(0o7777),
  uid: fc.oneof(fc.nat(70000), fc.constantFrom(0o7777777, 0o10000000, 0xfffffffe)),
  gid: fc.nat(0xfffffffe),
  mtimeSeconds: fc.oneof(fc.integer(), fc.constantFrom(0o77777777777, 0o100000000000, -1)),
  xattrs: fc
    .array(fc.tuple(fc.constantFrom('user.a', 'security.capability', 'trusted.overlay.opaque'), fc.uint8Array({ maxLength: 20 })), {
      maxLength: 2,
    })
    .map((pairs) => new Map(pairs)),
};
const anyEntry = fc.oneof(
  fc.record({ ...common, type: fc.constant('file' as const), content: fc.uint8Array({ maxLength: 1200 }) }),
  fc.record({ ...common, type: fc.constantFrom('symlink' as const, 'hardlink' as const), linkTarget: path }),
  fc.record({ ...common, type: fc.constantFrom('directory' as const, 'fifo' as const) }),
  fc.record({
    ...common,
    type: fc.constantFrom('character' as const, 'block' as const),
    devMajor: fc.nat(4095),
    devMinor: fc.nat(0o7777777),
  }),
);

describe('round trips', () => {
  it('gives back every entry, and the same bytes when written again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry, { maxLength: 6 }), async (entries) => {
        const archive = await collect(writeTar(entries));
        expect(archive.length % 512).toBe(0);
        const read = await allEntries(archive, { pieces: 900 });
        expect(
          read.map(({ sizeBytes: _size, bytes, ...rest }) => (rest.type === 'file' ? { ...rest, content: new Uint8Array(bytes) } : rest)),
        ).toEqual(entries.map((entry) => ({ ...entry, xattrs: new Map([...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) })));
        expect((await collect(writeTar(readTar(inPieces(archive, 900))))).equals(archive)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('writes sizes beyond 8 GiB', async () => {
    const sizeBytes = 8 * 2 ** 30;
    const first = await writeTar([{ ...base, path: 'big', type: 'file', sizeBytes, content: endless() }]).next();
    const headers = first.value as Buffer;
    const [entry] = await gather(readHeadOf(headers));
    expect(entry).toBe(sizeBytes);
  });
});

/** Whole chunks for ever; only the first is asked for. */
async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield await Promise.resolve(new Uint8Array(65536 + 1));
}

async function* readHeadOf(headers: Buffer): AsyncGenerator<number, void, undefined> {
  for await (const entry of readTar(
    (async function* () {
      yield headers;
      yield* endless();
    })(),
  )) {
    yield entry.sizeBytes;
    return;
  }
}

describe('bytes', () => {
  it('are plain ustar without the writer’s name, host or time', async () => {
    const archive = await collect(
      writeTar([{ ...base, path: 'etc/hostname', type: 'file', mtimeSeconds: 0o1234, content: Buffer.from('box\n') }]),
    );
    expect(archive.length).toBe(512 * 4);
    expect(archive.toString('latin1', 0, 13)).toBe('etc/hostname\0');
    expect(archive.toString('latin1', 100, 157).split('\0')).toEqual([
      '0000644',
      '0000000',
      '0000000',
      '00000000004',
      '00000001234',
      '011525',
      ' 0',
    ]);
    expect(archive.toString('latin1', 257, 265)).toBe('ustar\u000000');
    expect(archive.subarray(265, 329).every((byte) => byte === 0)).toBe(true);
  });

  it('put pax keys in one order', async () => {
    const xattrs = new Map([
      ['user.z', Buffer.from('1')],
      ['user.a', Buffer.from('2')],
    ]);
    const archive = await collect(
      writeTar([{ ...base, uid: 4_000_000, gid: 4_000_000, mtimeSeconds: -5, path: 'ü'.repeat(3), type: 'directory', xattrs }]),
    );
    expect(archive.toString('utf8', 512, 1024).replace(/\0.*/s, '').split('\n')).toEqual([
      '25 SCHILY.xattr.user.a=2',
      '25 SCHILY.xattr.user.z=1',
      '15 gid=4000000',
      '12 mtime=-5',
      '16 path=üüü/',
      '15 uid=4000000',
      '',
    ]);
  });

  it('use the prefix field for long plain names', async () => {
    const long = `${'d'.repeat(150)}/${'n'.repeat(100)}`;
    const archive = await collect(writeTar([{ ...base, path: long, type: 'file' }]));
    expect(archive.length).toBe(512 * 3);
    expect((await allEntries(archive))[0]?.path).toBe(long);
  });
});

describe('GNU tar as oracle', () => {
  it('lists and unpacks what is written', async () => {
    const directory = temporaryDirectory();
    const long = `${'long-'.repeat(30)}ü/${'name-'.repeat(30)}`;
    const entries: TarInput[] = [
      { ...base, path: '.', type: 'directory', mode: 0o755, mtimeSeconds: 1000 },
      {
        ...base,
        path: './file',
        type: 'file',
        mode: 0o4750,
        uid: 1000,
        gid: 3_000_000,
        mtimeSeconds: 1_700_000_000,
        content: Buffer.from('hello'),
      },
      {
        ...base,
        path: './hard',
        type: 'hardlink',
        mode: 0o4750,
        uid: 1000,
        gid: 3_000_000,
        mtimeSeconds: 1_700_000_000,
        linkTarget: './file',
      },
      { ...base, path: './sym', type: 'symlink', mode: 0o777, linkTarget: `../${'t'.repeat(120)}` },
      { ...base, path: './null', type: 'character', mode: 0o666, devMajor: 1, devMinor: 3 },
      { ...base, path: './pipe', type: 'fifo' },
      { ...base, path: `./${long}`, type: 'file', mtimeSeconds: 5, content: Buffer.alloc(100_000, 'abc') },
    ];
    writeFileSync(join(directory, 't.tar'), await collect(writeTar(entries)));
    expect(sh("tar --numeric-owner --quoting-style=literal -tvf t.tar | sed 's/  */ /g'", directory).toString()).toBe(
      [
        'drwxr-xr-x 0/0 0 1970-01-01 00:16 ./',
        '-rwsr-x--- 1000/3000000 5 2023-11-14 22:13 ./file',
        'hrwsr-x--- 1000/3000000 0 2023-11-14 22:13 ./hard link to ./file',
        `lrwxrwxrwx 0/0 0 1970-01-01 00:00 ./sym -> ../${'t'.repeat(120)}`,
        'crw-rw-rw- 0/0 1,3 1970-01-01 00:00 ./null',
        'prw-r--r-- 0/0 0 1970-01-01 00:00 ./pipe',
        `-rw-r--r-- 0/0 100000 1970-01-01 00:00 ./${long}`,
        '',
      ].join('\n'),
    );
    sh('mkdir x; tar --no-same-owner --exclude=./null -C x -xf t.tar', directory);
    expect(readFileSync(join(directory, 'x', long)).equals(Buffer.alloc(100_000, 'abc'))).toBe(true);
    expect(sh('stat -c "%a %Y %h" x/file; readlink x/sym', directory).toString()).toBe(`4750 1700000000 2\n../${'t'.repeat(120)}\n`);
  });

  it('reads extended attributes as GNU tar does', async () => {
    const directory = temporaryDirectory();
    writeFileSync(
      join(directory, 't.tar'),
      await collect(writeTar([{ ...base, path: 'f', type: 'file', xattrs: new Map([['user.note', Buffer.from('hello')]]) }])),
    );
    expect(sh('tar --xattrs --xattrs-include="*" -tvvf t.tar', directory).toString()).toContain('x: 5 user.note');
  });
});

it.each<[string, Partial<TarInput>]>([
  ['an empty path', { path: '' }],
  ['a path with NUL', { path: 'a\0b' }],
  ['half a surrogate', { path: '\ud800' }],
  ['a file whose name ends in a slash', { path: 'a/' }],
  ['a link to nothing', { type: 'symlink' }],
  ['a file type in the mode', { mode: 0o100644 }],
  ['a negative owner', { uid: -1 }],
  ['a fractional time', { mtimeSeconds: 1.5 }],
  ['a negative size', { sizeBytes: -1 }],
  ['an enormous device number', { type: 'block', devMajor: 2 ** 24 }],
  ['content longer than said', { sizeBytes: 1, content: Buffer.from('ab') }],
  ['content shorter than said', { sizeBytes: 3, content: Buffer.from('ab') }],
  ['a stream without a size', { content: inPieces(Buffer.from('x'), 1) }],
  ['a directory with content', { type: 'directory', content: Buffer.from('x') }],
  ['an attribute without name', { xattrs: new Map([['', Buffer.from('x')]]) }],
  ['an attribute with =', { xattrs: new Map([['user.a=b', Buffer.from('x')]]) }],
])('refuses %s', async (_name, change) => {
  const entry: TarInput = { ...base, path: 'a', type: 'file', ...change };
  await expect(collect(writeTar([entry]))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY' });
});

it('stops when the signal aborts', async () => {
  await expect(
    collect(writeTar([{ ...base, path: 'a', type: 'file' }], { signal: AbortSignal.abort(new Error('enough')) })),
  ).rejects.toThrow('enough');
});
