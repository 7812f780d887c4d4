import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDeb } from '../src/index.js';
import { collect, FIXTURES, gather, run, sh, temporaryDirectory } from './workspace.js';

const REAL = [
  'dash_0.5.12-2_amd64.deb',
  'hello_2.10-3_amd64.deb',
  'hardlink_0.2.1_amd64.deb',
  'libboost-program-options-dev_1.62.0.1_i386.deb',
];

/** Compares everything about a package with what dpkg-deb says. */
async function expectEqualToDpkg(file: string): Promise<void> {
  const deb = await readDeb(file);
  const fsys = run('dpkg-deb', ['--fsys-tarfile', file]);
  expect((await collect(deb.dataTar())).equals(fsys)).toBe(true);
  expect((await collect(deb.controlTar())).equals(run('dpkg-deb', ['--ctrl-tarfile', file]))).toBe(true);

  const names: string[] = [];
  let sizeBytes = 0;
  for await (const entry of deb.data()) {
    names.push(entry.path);
    sizeBytes += entry.sizeBytes;
  }
  const listed = execFileSync('tar', ['--quoting-style=literal', '-t'], { input: fsys }).toString().trim().split('\n');
  expect(names).toEqual(listed.map((line) => (line === './' ? '.' : line.replace(/\/$/, ''))));
  expect(sizeBytes).toBeGreaterThan(0);

  const control = await deb.control();
  for (const [name, bytes] of control) expect(run('dpkg-deb', ['--info', file, name]).equals(Buffer.from(bytes)), name).toBe(true);
  expect(run('dpkg-deb', ['--field', file, 'Package']).toString().trim()).toBe(
    /^Package: (.*)$/m.exec(Buffer.from(control.get('control') ?? []).toString())?.[1],
  );
}

describe('real packages', () => {
  it.each(REAL)('%s is what dpkg-deb says', async (name) => {
    await expectEqualToDpkg(join(FIXTURES, name));
  });

  it('reads without an xz program', async () => {
    const file = join(FIXTURES, 'dash_0.5.12-2_amd64.deb');
    const deb = await readDeb(file, { searchPath: '' });
    expect((await collect(deb.dataTar())).equals(run('dpkg-deb', ['--fsys-tarfile', file]))).toBe(true);
    expect([...(await deb.control()).keys()]).toEqual(['control', 'md5sums', 'postinst', 'postrm', 'prerm']);
  });

  it.each([
    ['-Zzstd', 'zstd'],
    ['-Zxz', 'xz'],
    ['-Zgzip', 'gz'],
    ['-Znone', 'none'],
  ])('reads what dpkg-deb builds with %s', async (options, data) => {
    const directory = temporaryDirectory();
    sh(
      `mkdir -p p/DEBIAN p/usr/share/doc/x; printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@example.org>\\nDescription: x\\n' > p/DEBIAN/control
       head -c 200000 /dev/zero > p/usr/share/doc/x/${'n'.repeat(150)}; ln -s x p/usr/share/doc/y; chmod -R u=rwX,go=rX p
       dpkg-deb --root-owner-group ${options} --build p x.deb`,
      directory,
    );
    await expectEqualToDpkg(join(directory, 'x.deb'));
    expect((await readDeb(join(directory, 'x.deb'))).compression.data).toBe(data);
  });
});

const ar = (members: readonly [string, Buffer | string][]): Buffer =>
  Buffer.concat([
    Buffer.from('!<arch>\n'),
    ...members.flatMap(([name, content]) => [
      Buffer.from(
        `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(Buffer.byteLength(content)).padEnd(10)}\`\n`,
      ),
      Buffer.from(content as string),
      Buffer.alloc(Buffer.byteLength(content) % 2, '\n'),
    ]),
  ]);

describe('structure', () => {
  const directory = (): { file: string; controlTar: Buffer; oddTar: Buffer; emptyTar: Buffer } => {
    const at = temporaryDirectory();
    sh(
      'printf "Package: x\\nVersion: 1\\n" > control; mkdir sub; touch sub/f; ln -s control link; tar -cf c.tar ./control; tar -cf odd.tar ./control ./sub/f; tar -cf empty.tar -T /dev/null',
      at,
    );
    const read = (name: string): Buffer => readFileSync(join(at, name));
    return { file: join(at, 'x.deb'), controlTar: read('c.tar'), oddTar: read('odd.tar'), emptyTar: read('empty.tar') };
  };

  it('takes private members between and anything after', async () => {
    const { file, controlTar, emptyTar } = directory();
    writeFileSync(
      file,
      ar([
        ['debian-binary', '2.0\nmore'],
        ['_private', 'x'],
        ['control.tar', controlTar],
        ['_gpg', 'x'],
        ['data.tar/', emptyTar],
        ['whatever', ''],
      ]),
    );
    const deb = await readDeb(file);
    expect(deb.compression).toEqual({ control: 'none', data: 'none' });
    expect(Buffer.from((await deb.control()).get('control') ?? []).toString()).toBe('Package: x\nVersion: 1\n');
    expect(await gather(deb.data())).toEqual([]);
  });

  it.each([
    ['bz2', 'bzip2'],
    ['lzma', 'xz --format=lzma'],
  ])('reads data.tar.%s of old packages', async (suffix, program) => {
    const { file, controlTar } = directory();
    const data = sh(`tar -cf - --transform 's,^,./,' deb/README.md | ${program} -c`, join(FIXTURES, '..'));
    writeFileSync(
      file,
      ar([
        ['debian-binary', '2.0\n'],
        ['control.tar', controlTar],
        [`data.tar.${suffix}`, data],
      ]),
    );
    await expectEqualToDpkg(file);
  });

  it.each<[string, [string, string][]]>([
    ['nothing', []],
    [
      'another first member',
      [
        ['control.tar', ''],
        ['debian-binary', '2.0\n'],
        ['data.tar', ''],
      ],
    ],
    [
      'format 3',
      [
        ['debian-binary', '3.0\n'],
        ['control.tar', ''],
        ['data.tar', ''],
      ],
    ],
    [
      'no version',
      [
        ['debian-binary', ''],
        ['control.tar', ''],
        ['data.tar', ''],
      ],
    ],
    [
      'data before control',
      [
        ['debian-binary', '2.0\n'],
        ['data.tar', ''],
        ['control.tar', ''],
      ],
    ],
    [
      'an unknown compression',
      [
        ['debian-binary', '2.0\n'],
        ['control.tar.lz4', ''],
        ['data.tar', ''],
      ],
    ],
    [
      'a bzip2 control',
      [
        ['debian-binary', '2.0\n'],
        ['control.tar.bz2', ''],
        ['data.tar', ''],
      ],
    ],
    [
      'a stranger before data',
      [
        ['debian-binary', '2.0\n'],
        ['control.tar', ''],
        ['stranger', ''],
        ['data.tar', ''],
      ],
    ],
    [
      'no data',
      [
        ['debian-binary', '2.0\n'],
        ['control.tar', ''],
      ],
    ],
    [
      'an inherited name',
      [
        ['debian-binary', '2.0\n'],
        ['constructor', ''],
        ['data.tar', ''],
      ],
    ],
  ])('refuses %s', async (_name, members) => {
    const { file } = directory();
    writeFileSync(file, ar(members));
    await expect(readDeb(file)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_DEB' });
  });

  it('refuses a control archive that is not flat, or has no control', async () => {
    const { file, oddTar, emptyTar } = directory();
    for (const tar of [oddTar, emptyTar]) {
      writeFileSync(
        file,
        ar([
          ['debian-binary', '2.0\n'],
          ['control.tar', tar],
          ['data.tar', emptyTar],
        ]),
      );
      await expect((await readDeb(file)).control()).rejects.toMatchObject({ code: 'ICT_ARCHIVE_DEB' });
    }
  });

  it('bounds both archives', async () => {
    const deb = await readDeb(join(FIXTURES, 'dash_0.5.12-2_amd64.deb'), { maxControlBytes: 1000, maxDataBytes: 1000 });
    await expect(deb.control()).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
    await expect(gather(deb.data())).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TOO_LARGE' });
  });

  it('refuses a file that is no package', async () => {
    await expect(readDeb(join(FIXTURES, 'placeholder.deb'))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_AR' });
    await expect(readDeb(join(FIXTURES, 'absent.deb'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends or fails with its own code for a damaged package', async () => {
    const file = join(temporaryDirectory(), 'x.deb');
    const whole = readFileSync(join(FIXTURES, 'hardlink_0.2.1_amd64.deb'));
    const codes = [
      'ICT_ARCHIVE_AR',
      'ICT_ARCHIVE_DEB',
      'ICT_ARCHIVE_TRUNCATED',
      'ICT_ARCHIVE_CORRUPT',
      'ICT_ARCHIVE_TAR_HEADER',
      'ICT_ARCHIVE_TAR_NAME',
      'ICT_ARCHIVE_TAR_UNSUPPORTED',
      'ICT_ARCHIVE_TOO_LARGE',
    ];
    const outcome = async (): Promise<string> => {
      const deb = await readDeb(file);
      await deb.control();
      for await (const entry of deb.data()) await collect(entry.content);
      return 'read';
    };
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(200), fc.nat(whole.length)),
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        fc.nat(whole.length),
        fc.boolean(),
        async (at, bytes, length, cut) => {
          const damaged = Buffer.from(whole);
          bytes.forEach((byte, index) => void (damaged[at + index] = byte));
          writeFileSync(file, cut ? damaged.subarray(0, length) : damaged);
          expect(['read', ...codes]).toContain(await outcome().catch((error: { code?: string }) => error.code));
        },
      ),
      { numRuns: 150 },
    );
  });
});
