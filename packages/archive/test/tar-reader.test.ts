import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTar, wholeContent, writeTar, type TarEntry } from '../src/index.js';
import { allEntries, collect, gather, inPieces, sh, temporaryDirectory } from './workspace.js';

interface Fields {
  name?: string | Buffer;
  mode?: string;
  size?: string | Buffer;
  mtime?: string | Buffer;
  uid?: string | Buffer;
  type?: string;
  link?: string;
  magic?: string;
  prefix?: string;
  content?: string | Buffer;
}

/** A header block with a right checksum, and its content. */
function block(fields: Fields = {}): Buffer {
  const header = Buffer.alloc(512);
  const content = Buffer.from(fields.content ?? '');
  const put = (value: string | Buffer, at: number): void => void Buffer.from(value as string).copy(header, at);
  put(fields.name ?? 'file', 0);
  put(fields.mode ?? '0000644', 100);
  put(fields.uid ?? '0000000', 108);
  put('0000000', 116);
  put(fields.size ?? content.length.toString(8).padStart(11, '0'), 124);
  put(fields.mtime ?? '00000000001', 136);
  put(fields.type ?? '0', 156);
  put(fields.link ?? '', 157);
  put(fields.magic ?? 'ustar\u000000', 257);
  put(fields.prefix ?? '', 345);
  return Buffer.concat([sign(header), content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function sign(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

const pax = (...records: [string, string | Buffer][]): Buffer =>
  Buffer.concat(
    records.map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from('\n')]);
      let length = rest.length;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
const END = Buffer.alloc(1024);
const tar = (...blocks: Buffer[]): Buffer => Buffer.concat([...blocks, END]);

describe('headers', () => {
  it.each<[string, Buffer[], object]>([
    ['a file', [block({ content: 'hello' })], { path: 'file', type: 'file', mode: 0o644, sizeBytes: 5, mtimeSeconds: 1 }],
    ['file type bits in the mode', [block({ mode: '0104755' })], { mode: 0o4755 }],
    ['a ustar prefix', [block({ prefix: 'a/b', name: 'c' })], { path: 'a/b/c' }],
    ['a GNU header, whose prefix field is something else', [block({ magic: 'ustar  \0', prefix: '00000000001' })], { path: 'file' }],
    ['an old file with a slash', [block({ magic: '', type: '\0', name: 'dir/' })], { path: 'dir', type: 'directory' }],
    ['the root', [block({ name: './', type: '5' })], { path: '.', type: 'directory' }],
    ['a slash', [block({ name: '/', type: '5' })], { path: '/', type: 'directory' }],
    ['a symlink', [block({ type: '2', link: '../x' })], { type: 'symlink', linkTarget: '../x' }],
    ['a hard link', [block({ type: '1', link: 'x' })], { type: 'hardlink', linkTarget: 'x' }],
    ['a contiguous file', [block({ type: '7', content: 'x' })], { type: 'file', sizeBytes: 1 }],
    ['a name of 100 bytes without NUL', [block({ name: 'n'.repeat(100) })], { path: 'n'.repeat(100) }],
    ['a base-256 owner', [block({ uid: Buffer.from('8000000000ffffff', 'hex') })], { uid: 0xffffff }],
    ['a base-256 time before 1970', [block({ mtime: Buffer.from('fffffffffffffffffffffffe', 'hex') })], { mtimeSeconds: -2 }],
    ['numbers with spaces', [block({ mode: '   644 ', mtime: '          7 ' })], { mode: 0o644, mtimeSeconds: 7 }],
    ['an empty number', [block({ uid: '\0\0\0\0\0\0\0' })], { uid: 0 }],
    ['UTF-8', [block({ name: 'bücher/文' })], { path: 'bücher/文' }],
    [
      'a GNU long name',
      [block({ type: 'L', name: '././@LongLink', content: `${'d/'.repeat(150)}x\0` }), block()],
      { path: `${'d/'.repeat(150)}x` },
    ],
    [
      'a GNU long link',
      [block({ type: 'K', content: `${'l'.repeat(300)}\0` }), block({ type: '2', link: 'l' })],
      { linkTarget: 'l'.repeat(300) },
    ],
    [
      'pax keys',
      [block({ type: 'x', content: pax(['path', 'p'], ['uid', '4000000000'], ['mtime', '12.9'], ['comment', 'x']) }), block()],
      { path: 'p', uid: 4000000000, mtimeSeconds: 12 },
    ],
    ['a pax time before 1970', [block({ type: 'x', content: pax(['mtime', '-1.5']) }), block()], { mtimeSeconds: -2 }],
    ['a pax size', [block({ type: 'x', content: pax(['size', '3']) }), block({ size: '0', content: 'abc' })], { sizeBytes: 3 }],
    ['the later of two keys', [block({ type: 'x', content: pax(['path', 'p'], ['path', 'q']) }), block()], { path: 'q' }],
    ['an emptied key', [block({ type: 'x', content: pax(['path', 'p'], ['path', '']) }), block()], { path: 'file' }],
    ['a global key', [block({ type: 'g', content: pax(['uid', '7']) }), block()], { uid: 7 }],
    [
      'a local key over a global one',
      [block({ type: 'g', content: pax(['uid', '7']) }), block({ type: 'x', content: pax(['uid', '8']) }), block()],
      { uid: 8 },
    ],
    [
      'pax over a GNU long name',
      [block({ type: 'L', content: 'gnu\0' }), block({ type: 'x', content: pax(['path', 'pax']) }), block()],
      { path: 'pax' },
    ],
  ])('reads %s', async (_name, blocks, expected) => {
    expect((await allEntries(tar(...blocks)))[0]).toMatchObject(expected);
  });

  it('keeps extended attributes byte for byte', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0x0a, 0x3d, 0xff, 0]);
    const [entry] = await allEntries(
      tar(block({ type: 'x', content: pax(['SCHILY.xattr.security.capability', capability], ['SCHILY.xattr.user.empty', '']) }), block()),
    );
    expect([...(entry?.xattrs ?? [])]).toEqual([
      ['security.capability', new Uint8Array(capability)],
      ['user.empty', new Uint8Array()],
    ]);
  });

  it('takes a name of a megabyte of slashes as quickly as any', { timeout: 5000 }, async () => {
    const name = `${'/'.repeat(1_000_000)}a`;
    const [entry] = await allEntries(tar(block({ type: 'x', content: pax(['path', name]) }), block()));
    expect(entry?.path === name).toBe(true);
  });

  it('reads signed checksums of historic writers', async () => {
    const bytes = block({ name: 'bücher' });
    const signed = bytes.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : (byte << 24) >> 24), 0);
    bytes.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect((await allEntries(tar(bytes)))[0]?.path).toBe('bücher');
  });

  const run = (numbers: [number, number][], extended: boolean, real: number): Buffer => {
    const bytes = block({ type: 'S', magic: 'ustar  \0', size: '4' });
    numbers.forEach(([offset, size], index) =>
      bytes.write(`${offset.toString(8).padStart(11, '0')}\0${size.toString(8).padStart(11, '0')}\0`, 386 + index * 24, 'latin1'),
    );
    bytes[482] = extended ? 1 : 0;
    bytes.write(real.toString(8).padStart(11, '0'), 483, 'latin1');
    return sign(bytes);
  };

  it.each<[string, Buffer[], string]>([
    ['rubbish', [Buffer.alloc(512, 'x')], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a wrong checksum', [Buffer.from(block()).fill('7', 148, 149)], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a size that is no number', [block({ size: '12345x' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a size of eights', [block({ size: '888' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a negative size', [block({ size: Buffer.alloc(12, 0xff) })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a size beyond all bounds', [block({ size: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]) })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['an owner beyond 32 bits', [block({ type: 'x', content: pax(['uid', '8589934592']) }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    // To chown(2) this number means to change nothing, which would leave the file to root.
    ['an owner of 32 ones', [block({ type: 'x', content: pax(['gid', '4294967295']) }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['no name', [block({ name: '' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['no link target', [block({ type: '2' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a directory with content', [block({ type: '5', content: 'x' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a hard link with content', [block({ type: '1', link: 'x', content: 'x' })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a name that is not UTF-8', [block({ name: Buffer.from([0x61, 0xfc]) })], 'ICT_ARCHIVE_TAR_NAME'],
    ['a pax name with NUL', [block({ type: 'x', content: pax(['path', 'a\0b']) }), block()], 'ICT_ARCHIVE_TAR_NAME'],
    ['a multi-volume member', [block({ type: 'M' })], 'ICT_ARCHIVE_TAR_UNSUPPORTED'],
    ['an unknown type', [block({ type: 'Z' })], 'ICT_ARCHIVE_TAR_UNSUPPORTED'],
    ['a sparse type outside GNU', [block({ type: 'S' })], 'ICT_ARCHIVE_TAR_UNSUPPORTED'],
    ['a pax record without length', [block({ type: 'x', content: ' path=x\n' }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax record longer than its header', [block({ type: 'x', content: '99 path=x\n' }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax record without equals', [block({ type: 'x', content: '9 pathx.\n' }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax record of length 0', [block({ type: 'x', content: '0 p=x\n' }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax number that is none', [block({ type: 'x', content: pax(['uid', '1x']) }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax time that is none', [block({ type: 'x', content: pax(['mtime', 'now']) }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    [
      'two pax headers',
      [block({ type: 'x', content: pax(['path', 'a']) }), block({ type: 'x', content: pax(['path', 'b']) }), block()],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    ['two long names', [block({ type: 'L', content: 'a' }), block({ type: 'L', content: 'b' }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a pax header at the end', [block({ type: 'x', content: pax(['path', 'a']) })], 'ICT_ARCHIVE_TAR_HEADER'],
    ['a global path', [block({ type: 'g', content: pax(['path', 'a']) }), block()], 'ICT_ARCHIVE_TAR_HEADER'],
    ['an enormous pax header', [block({ type: 'x', size: '77777777777' })], 'ICT_ARCHIVE_TOO_LARGE'],
    ['an enormous long name', [block({ type: 'L', size: '00010000000' })], 'ICT_ARCHIVE_TOO_LARGE'],
    [
      'an enormous hole',
      [block({ type: 'x', content: pax(['GNU.sparse.size', '9000000000000'], ['GNU.sparse.map', '']) }), block()],
      'ICT_ARCHIVE_TOO_LARGE',
    ],
    [
      'sparse parts that overlap',
      [block({ type: 'x', content: pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '10,5,12,1']) }), block({ content: 'xxxxxx' })],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'sparse parts beyond the end',
      [block({ type: 'x', content: pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '99,4']) }), block({ content: 'xxxx' })],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'sparse parts that are not stored',
      [block({ type: 'x', content: pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '0,4']) }), block({ content: 'xxxxx' })],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'half a sparse part',
      [block({ type: 'x', content: pax(['GNU.sparse.size', '100'], ['GNU.sparse.map', '0']) }), block()],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'a sparse file without size',
      [block({ type: 'x', content: pax(['GNU.sparse.map', '0,1']) }), block({ content: 'x' })],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'sparse version 2',
      [block({ type: 'x', content: pax(['GNU.sparse.major', '2'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '1']) }), block()],
      'ICT_ARCHIVE_TAR_UNSUPPORTED',
    ],
    [
      'a sparse map without its end',
      [
        block({ type: 'x', content: pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '1']) }),
        block({ content: '1\n0'.padEnd(512, '1') }),
      ],
      'ICT_ARCHIVE_TAR_HEADER',
    ],
    [
      'a sparse map larger than its member',
      [
        block({ type: 'x', content: pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '1']) }),
        block({ content: '9\n' }),
      ],
      'ICT_ARCHIVE_TRUNCATED',
    ],
    ['old sparse parts that do not add up', [run([[0, 5]], false, 10), Buffer.alloc(512)], 'ICT_ARCHIVE_TAR_HEADER'],
    // The two end blocks are taken for the extension and the stored bytes, so the end mark is gone.
    ['old sparse extensions that are not there', [run([[0, 4]], true, 10)], 'ICT_ARCHIVE_TRUNCATED'],
  ])('refuses %s', async (_name, blocks, code) => {
    await expect(allEntries(tar(...blocks))).rejects.toMatchObject({ code });
  });

  it('expands an old sparse member', async () => {
    const [entry] = await allEntries(
      tar(
        run(
          [
            [2, 3],
            [8, 1],
          ],
          false,
          10,
        ),
        Buffer.concat([Buffer.from('abcd'), Buffer.alloc(508)]),
      ),
    );
    expect(entry).toMatchObject({ sizeBytes: 10, type: 'file' });
    expect(entry?.bytes.toString()).toBe('\0\0abc\0\0\0d\0');
  });
});

describe('the end', () => {
  const whole = tar(block({ content: 'x'.repeat(600) }), block({ name: 'b' }));

  it('is fine after the two zero blocks, after one, and before padding', async () => {
    for (const bytes of [whole, whole.subarray(0, -512), Buffer.concat([whole, Buffer.alloc(9216)])])
      expect(await allEntries(bytes)).toHaveLength(2);
  });

  it.each([0, 1, 511, 512, 513, 1100, 1535, 1536, 1537, 2048])('is missing after %i bytes', async (length) => {
    await expect(allEntries(whole.subarray(0, length))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TRUNCATED' });
  });

  it('is reached in the source too, so that what packs the archive is verified', async () => {
    const source = (async function* () {
      yield whole;
      await Promise.resolve();
      throw new Error('the checksum after the archive is wrong');
    })();
    await expect(gather(readTar(source))).rejects.toThrow('checksum');
  });
});

describe('content', () => {
  const archive = tar(
    block({ name: 'a', content: 'aaaa' }),
    block({ name: 'b', content: 'b'.repeat(2000) }),
    block({ name: 'c', content: 'c' }),
  );

  it('may be left unread or read in part', async () => {
    const seen: string[] = [];
    for await (const entry of readTar(inPieces(archive, 300))) {
      seen.push(entry.path);
      if (entry.path !== 'b') continue;
      for await (const chunk of entry.content) {
        expect(chunk.length).toBeLessThan(2000);
        break;
      }
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it.each([100, 300, 512, 700])('comes from a source that uses its memory again, in pieces of %i bytes', async (size) => {
    async function* reusing(): AsyncGenerator<Uint8Array, void, undefined> {
      const memory = Buffer.alloc(size);
      for (let at = 0; at < archive.length; at += size) yield memory.subarray(0, archive.copy(memory, 0, at, at + size));
    }
    const found: [string, number][] = [];
    for await (const entry of readTar(reusing())) {
      let content = '';
      for await (const chunk of entry.content) content += Buffer.from(chunk).toString();
      found.push([entry.path, content.length]);
      expect(content).toBe(entry.path.repeat(content.length));
    }
    expect(found).toEqual([
      ['a', 4],
      ['b', 2000],
      ['c', 1],
    ]);
  });

  it('is handed out whole, once, when it has arrived whole, and then not again', async () => {
    const whole: (string | undefined)[] = [];
    for await (const entry of readTar(inPieces(archive, 1_000_000))) {
      const bytes = wholeContent(entry.content);
      whole.push(bytes === undefined ? undefined : Buffer.from(bytes).toString());
      expect(bytes?.length).toBe(entry.sizeBytes);
      expect(wholeContent(entry.content)).toBeUndefined();
      await expect(collect(entry.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
    }
    const collected: string[] = [];
    for await (const entry of readTar(inPieces(archive, 300))) {
      if (entry.sizeBytes > 300) expect(wholeContent(entry.content)).toBeUndefined();
      collected.push((await collect(entry.content)).toString());
    }
    expect(whole).toEqual(collected);
  });

  it('cannot be read after the next entry, or twice', async () => {
    let earlier: TarEntry | undefined;
    for await (const entry of readTar(inPieces(archive, 300))) {
      if (earlier !== undefined) await expect(collect(earlier.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
      if (entry.path === 'b') {
        await collect(entry.content);
        await expect(collect(entry.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
      }
      earlier = entry;
    }
    expect(earlier?.path).toBe('c');
  });

  it('lets go of the source when the reader stops', async () => {
    const source = inPieces(archive, 300);
    for await (const entry of readTar(source)) {
      expect(entry.path).toBe('a');
      break;
    }
    expect(source.destroyed).toBe(true);
  });

  it('stops when the signal aborts', async () => {
    await expect(gather(readTar(inPieces(archive, 300), { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow('enough');
  });
});

describe('GNU tar', () => {
  it.each(['v7', 'ustar', 'oldgnu', 'gnu', 'pax', 'posix'])('writes %s, and all of it is read', async (format) => {
    const directory = temporaryDirectory();
    const long =
      format === 'v7' ? 'short' : format === 'ustar' ? `${'d'.repeat(80)}/${'e'.repeat(80)}` : `${'d'.repeat(120)}/${'e'.repeat(130)}`;
    sh(
      `mkdir -p t/${long}; cd t; printf hello > file; ln file hard; ln -s file sym; : > empty; head -c 100000 /dev/zero > ${long}/zeros
       chmod 4755 file; chmod 1777 .; touch -h -d @1234567890 file sym ${long} .; tar --format=${format} --sort=name --owner=12 --group=34 -cf ../t.tar .`,
      directory,
    );
    const entries = await allEntries(readFileSync(join(directory, 't.tar')), { pieces: 1000 });
    const listed = sh('tar -tf t.tar', directory)
      .toString()
      .trim()
      .split('\n')
      .map((line) => (line === './' ? '.' : line.replace(/\/$/, '')));
    expect(entries.map(({ path }) => path)).toEqual(listed);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    expect(byPath.get('./file')).toMatchObject({
      type: 'file',
      mode: 0o4755,
      uid: 12,
      gid: 34,
      mtimeSeconds: 1234567890,
      bytes: Buffer.from('hello'),
    });
    expect(byPath.get('./hard')).toMatchObject({ type: 'hardlink', linkTarget: './file', sizeBytes: 0 });
    expect(byPath.get('./sym')).toMatchObject({ type: 'symlink', linkTarget: 'file', mtimeSeconds: 1234567890 });
    expect(byPath.get('.')).toMatchObject({ type: 'directory', mode: 0o1777 });
    expect(byPath.get(`./${long}/zeros`)?.bytes.equals(Buffer.alloc(100000))).toBe(true);
  });

  it.each([
    '--format=gnu',
    '--format=posix --sparse-version=0.0',
    '--format=posix --sparse-version=0.1',
    '--format=posix --sparse-version=1.0',
  ])('writes sparse files with %s', async (options) => {
    const directory = temporaryDirectory();
    // Thirty parts, so that old GNU headers need extension blocks.
    sh(
      `i=0; while [ $i -lt 30 ]; do printf "part $i" | dd of=sparse bs=1 seek=$((i * 100000 + 5000)) conv=notrunc status=none; i=$((i + 1)); done
       truncate -s 3500000 sparse; printf after > tail; tar -S ${options} -cf t.tar sparse tail`,
      directory,
    );
    const archive = readFileSync(join(directory, 't.tar'));
    expect(archive.length).toBeLessThan(1_000_000);
    const [sparse, tail] = await allEntries(archive);
    expect(sparse).toMatchObject({ path: 'sparse', type: 'file', sizeBytes: 3500000 });
    expect(sparse?.bytes.equals(readFileSync(join(directory, 'sparse')))).toBe(true);
    expect(tail?.bytes.toString()).toBe('after');
  });
});

describe('any input', () => {
  const codes = [
    'ICT_ARCHIVE_TAR_HEADER',
    'ICT_ARCHIVE_TAR_NAME',
    'ICT_ARCHIVE_TAR_UNSUPPORTED',
    'ICT_ARCHIVE_TRUNCATED',
    'ICT_ARCHIVE_TOO_LARGE',
  ];
  const outcome = (bytes: Uint8Array): Promise<string | undefined> =>
    allEntries(bytes, { pieces: 700, maxSparseBytes: 2 ** 20 }).then(
      () => 'read',
      (error: { code?: string }) => error.code,
    );

  it('ends or fails with its own code: random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        expect(['read', ...codes]).toContain(await outcome(bytes));
      }),
    );
  });

  it('ends or fails with its own code: signed headers with random fields', async () => {
    const fieldText = fc.oneof(fc.constantFrom('0', '00000000012', '77777777777', '-1', ' 5 '), fc.string({ maxLength: 12 }));
    const record = fc.tuple(
      fc.constantFrom(
        'path',
        'size',
        'uid',
        'mtime',
        'GNU.sparse.major',
        'GNU.sparse.minor',
        'GNU.sparse.size',
        'GNU.sparse.realsize',
        'GNU.sparse.map',
        'GNU.sparse.offset',
        'GNU.sparse.numbytes',
        'SCHILY.xattr.user.x',
      ),
      fc.oneof(fc.constantFrom('0', '1', '10', '0,5,7,3', '9007199254740993'), fc.string()),
    );
    const header = fc.oneof(
      fc
        .record({
          type: fc.constantFrom('0', '1', '2', '3', '5', 'S', 'L', 'K', 'x', 'g', 'M', '\0'),
          magic: fc.constantFrom('ustar\u000000', 'ustar  \0', ''),
          size: fieldText,
          uid: fieldText,
          link: fc.string({ maxLength: 5 }),
          content: fc.string({ maxLength: 600 }),
        })
        .map(block),
      fc.array(record, { maxLength: 5 }).map((records) => block({ type: 'x', content: pax(...records) })),
      fc.string({ maxLength: 30 }).map((content) => block({ content })),
      fc.array(fc.nat(40), { maxLength: 8 }).map((numbers) =>
        block({
          content: numbers
            .map((value) => `${value}\n`)
            .join('')
            .padEnd(520, '\0'),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(header, { maxLength: 6 }), async (blocks) => {
        expect(['read', ...codes]).toContain(await outcome(tar(...blocks)));
      }),
      { numRuns: 2000 },
    );
  });

  it('ends or fails with its own code: real archives with damage', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'f'), 'content');
    sh('ln f g; ln -s f h; mkdir d; touch d/é; tar --format=posix -cf t.tar f g h d', directory);
    const archive = readFileSync(join(directory, 't.tar'));
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }), async (at, bytes) => {
        const damaged = Buffer.from(archive);
        damaged.set(bytes.subarray(0, archive.length - at), at);
        expect(['read', ...codes]).toContain(await outcome(damaged));
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same entries however the source is cut', async () => {
    const written = await collect(
      writeTar([
        { path: 'ü', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, content: Buffer.alloc(1500, 'x') },
        { path: 'd', type: 'directory', mode: 0o755, uid: 1, gid: 2, mtimeSeconds: 5 },
      ]),
    );
    const expected = await allEntries(written);
    for (const pieces of [1, 511, 513, 100000]) expect(await allEntries(written, { pieces })).toEqual(expected);
  });
});
