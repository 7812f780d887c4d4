import { describe, expect, it } from 'vitest';
import { block, pax, sign, tar } from './tar-blocks.js';
import { allEntries } from './workspace.js';

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
