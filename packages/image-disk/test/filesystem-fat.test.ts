import { mkdirSync, mkdtempSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cut, execute, hostBuild, type HostBuild } from '@ict/fixtures';
import { FAT32_MINIMUM_BYTES, partitionIdentity } from '@ict/image-parts';
import { writeFat, type FatFile, type FatRequest } from '../src/filesystem-fat.js';
import { readFatGeometry } from '../src/read-fat-geometry.js';
import { MIB, SEED } from './support/specs.js';

const OFFSET = 2 * MIB;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const tree = { 'boot/vmlinuz-6.12': 'kernel'.repeat(50_000), 'usr/lib/boot.efi': 'MZ' };

function request(on: HostBuild, changes: Partial<FatRequest> = {}): FatRequest {
  const directory = mkdtempSync(join(on.ctx.temporary, 'test-'));
  const stage = join(directory, 'stage');
  const texts: Record<string, string> = {
    '/loader/loader.conf': 'timeout 0\n',
    '/loader/entries/a.conf': 'title A\n',
    '/loader/entries/B.conf': 'title B\n',
  };
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    writeFileSync(join(stage, path), text);
  }
  const files: FatFile[] = [
    ...Object.entries(texts).map(([target, text]) => ({ target, from: 'stage' as const, source: target, sizeBytes: text.length })),
    { target: '/debian/6.12/vmlinuz-6.12', from: 'tree', source: '/boot/vmlinuz-6.12', sizeBytes: 300_000 },
    { target: '/EFI/BOOT/BOOTX64.EFI', from: 'tree', source: '/usr/lib/boot.efi', sizeBytes: 2 },
  ];
  const sizeBytes = changes.sizeBytes ?? 40 * MIB;
  writeFileSync(join(directory, 'disk.raw'), '');
  truncateSync(join(directory, 'disk.raw'), OFFSET + sizeBytes + MIB);
  return {
    partition: 'boot',
    width: 32,
    identity: partitionIdentity(SEED, 'boot'),
    label: 'ESP',
    tree: on.tree(tree),
    stage,
    files,
    directories: ['/keys'],
    directory,
    file: 'disk.raw',
    offsetBytes: OFFSET,
    sizeBytes,
    ...changes,
  };
}

async function written(on: HostBuild, changes: Partial<FatRequest> = {}): Promise<string> {
  const asked = request(on, changes);
  await writeFat(asked, on.ctx);
  return cut(join(asked.directory, 'disk.raw'), OFFSET, asked.sizeBytes, join(asked.directory, 'part'));
}

const UTF8 = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' };

/** Names that FAT can hold: short ones, ones that share their first letters, and any. */
const fatName = fc.oneof(
  fc.stringMatching(/^[A-Z0-9_]{1,8}(\.[A-Z]{1,3})?$/u),
  fc.stringMatching(/^longname[0-9a-z]{1,4}\.(conf|efi)$/u),
  fc.stringMatching(/^[a-z0-9 .+,;=[\]\u00e9\u0416\u4e2d]{0,40}[a-z0-9]$/u).filter((name) => !/^\.+$/u.test(name) && !name.startsWith(' ')),
);
/** Paths, `null` for a directory, else the content; no two differ only in case, and no file is a directory. */
const fatTree = fc
  .array(fc.tuple(fc.array(fatName, { minLength: 1, maxLength: 3 }), fc.option(fc.string({ unit: 'grapheme-ascii', maxLength: 3000 }))), {
    maxLength: 30,
  })
  .map((entries) => {
    const tree = new Map<string, string | null>();
    const spelt = new Map<string, { readonly path: string; readonly isFile: boolean }>();
    for (const [names, text] of entries) {
      const paths = names.map((_, index) => names.slice(0, index + 1).join('/'));
      const fits = paths.every((path, index) => {
        const found = spelt.get(path.toLowerCase());
        return found === undefined || (found.path === path && !found.isFile && (text === null || index < paths.length - 1));
      });
      if (!fits) continue;
      paths.forEach((path, index) => spelt.set(path.toLowerCase(), { path, isFile: text !== null && index === paths.length - 1 }));
      tree.set(names.join('/'), text);
    }
    return tree;
  });

function withParents(tree: ReadonlyMap<string, string | null>): ReadonlyMap<string, string | null> {
  const whole = new Map(tree);
  for (const path of tree.keys()) for (let at = dirname(path); at !== '.'; at = dirname(at)) whole.set(at, null);
  return whole;
}

describe('writeFat', () => {
  it.each([
    [32, 40 * MIB],
    [32, FAT32_MINIMUM_BYTES],
    [16, 40 * MIB],
    [16, 9 * MIB],
  ] as const)('writes a FAT%i of %i bytes in which fsck.fat finds no fault', async (width, sizeBytes) => {
    const part = await written(build, { width, sizeBytes });
    const { exitCode, stdout } = await execute('fsck.fat', ['-nv', part]);
    expect(stdout).not.toMatch(/warning|too few clusters/iu);
    expect([exitCode, stdout.match(/2 FATs, (\d+) bit entries/u)?.[1]]).toEqual([0, `${width}`]);
  });

  it('has the files, the serial number, the label and the place on the disk', async () => {
    const part = await written(build);
    const bytes = readFileSync(part);
    expect(bytes.readUInt32LE(28)).toBe(OFFSET / 512);
    expect(bytes.readUInt32LE(67).toString(16).toUpperCase().padStart(8, '0')).toBe(partitionIdentity(SEED, 'boot').volumeId);
    expect(bytes.subarray(71, 82).toString('latin1')).toBe('ESP        ');
    expect((await execute('mtype', ['-i', part, '::/debian/6.12/vmlinuz-6.12'])).stdout).toBe(tree['boot/vmlinuz-6.12']);
    expect((await execute('mtype', ['-i', part, '::/EFI/BOOT/BOOTX64.EFI'])).stdout).toBe('MZ');
    const { stdout } = await execute('mdir', ['-i', part, '-/', '-b', '::/']);
    expect(stdout.trim().split('\n')).toEqual(
      [
        '::/EFI/',
        '::/EFI/BOOT/',
        '::/EFI/BOOT/BOOTX64.EFI',
        '::/debian/',
        '::/debian/6.12/',
        '::/debian/6.12/vmlinuz-6.12',
        '::/keys/',
        '::/loader/',
        '::/loader/loader.conf',
        '::/loader/entries/',
        '::/loader/entries/B.conf',
        '::/loader/entries/a.conf',
      ].sort((a, b) => stdout.indexOf(a) - stdout.indexOf(b)),
    );
  });

  it('is the same in another directory, from files of another age, listed in another order', async () => {
    const other = hostBuild();
    try {
      const first = readFileSync(await written(build));
      const asked = request(other);
      await writeFat({ ...asked, files: [...asked.files].reverse() }, other.ctx);
      const second = readFileSync(cut(join(asked.directory, 'disk.raw'), OFFSET, asked.sizeBytes, join(asked.directory, 'part')));
      expect(Buffer.compare(first, second)).toBe(0);
    } finally {
      other.remove();
    }
  });

  it('names the partition, what is needed and what there is, whether or not the files could be copied', async () => {
    const both = build.tree({ ...tree, 'boot/large': '-'.repeat(60 * MIB) });
    for (const source of ['/boot/large', '/boot/vmlinuz-6.12']) {
      const files: FatFile[] = [{ target: '/initrd.img', from: 'tree', source, sizeBytes: 60 * MIB }];
      await expect(writeFat(request(build, { files, tree: both }), build.ctx)).rejects.toMatchObject({
        code: 'ICT_DISK_NO_SPACE',
        message: expect.stringMatching(/"boot".* 61 MiB.* 40 MiB/u),
        facts: { partition: 'boot' },
      });
    }
  });

  it.each([32, 16] as const)('fills the last cluster of a FAT%i, and refuses one more byte', async (width) => {
    const asked = request(build, { width, sizeBytes: 36 * MIB, directories: [], files: [] });
    await writeFat(asked, build.ctx);
    await using disk = await open(join(asked.directory, 'disk.raw'), 'r');
    const { clusters, clusterBytes, usedClusters } = await readFatGeometry(disk, OFFSET, 'boot');
    expect(usedClusters).toBe(width === 32 ? 1 : 0);
    const room = (clusters - usedClusters) * clusterBytes;
    const filled = (sizeBytes: number): Partial<FatRequest> => ({
      width,
      sizeBytes: asked.sizeBytes,
      directories: [],
      tree: build.tree({ f: Buffer.alloc(sizeBytes, 'x') }),
      files: [{ target: '/f', from: 'tree', source: '/f', sizeBytes }],
    });
    const { exitCode, stdout } = await execute('fsck.fat', ['-nv', await written(build, filled(room))]);
    expect([exitCode, stdout.match(/(\d+)\/(\d+) clusters/u)?.slice(1)]).toEqual([0, [`${clusters}`, `${clusters}`]]);
    await expect(written(build, filled(room + 1))).rejects.toMatchObject({ code: 'ICT_DISK_NO_SPACE' });
  });

  it.each([32, 16] as const)('keeps blocks of zeros of a FAT%i where they are, and files of the tree in one piece', async (width) => {
    const content = Buffer.concat([Buffer.alloc(70_000), Buffer.from('middle'), Buffer.alloc(90_000)]);
    const files: FatFile[] = [
      { target: '/empty', from: 'tree', source: '/empty', sizeBytes: 0 },
      { target: '/zeros', from: 'tree', source: '/zeros', sizeBytes: content.length },
      { target: '/after', from: 'tree', source: '/after', sizeBytes: 5 },
    ];
    const part = await written(build, { width, files, tree: build.tree({ empty: '', zeros: content, after: 'after' }) });
    expect((await execute('fsck.fat', ['-nv', part])).exitCode).toBe(0);
    const out = mkdtempSync(join(build.ctx.temporary, 'out-'));
    await execute('mcopy', ['-s', '-n', '-i', part, '::/empty', '::/zeros', '::/after', out]);
    expect(readFileSync(join(out, 'zeros')).equals(content)).toBe(true);
    expect([readFileSync(join(out, 'empty'), 'utf8'), readFileSync(join(out, 'after'), 'utf8')]).toEqual(['', 'after']);
  });

  it('gives mtools back every directory and file of a tree, whatever their names', async () => {
    await fc.assert(
      fc.asyncProperty(fatTree, fc.constantFrom(16 as const, 32 as const), async (contents, width) => {
        const tree = build.tree(Object.fromEntries([...contents].map(([path, text]) => [path, text])));
        const files = [...contents].flatMap(([path, text]): FatFile[] =>
          text === null ? [] : [{ target: `/${path}`, from: 'tree', source: `/${path}`, sizeBytes: Buffer.byteLength(text) }],
        );
        const directories = [...contents].flatMap(([path, text]) => (text === null ? [`/${path}`] : []));
        const part = await written(build, { width, files, directories, tree });
        const { exitCode, stdout } = await execute('fsck.fat', ['-nv', part]);
        expect([exitCode, /warning|differ|bad|wrong/iu.exec(stdout)]).toEqual([0, null]);
        const out = mkdtempSync(join(build.ctx.temporary, 'out-'));
        const copied = await execute('mcopy', ['-s', '-n', '-i', part, '::/', out], { ...UTF8 });
        expect(copied).toMatchObject({ exitCode: 0, stderr: '' });
        const found = readdirSync(out, { recursive: true, withFileTypes: true }).map((entry) => {
          const path = join(entry.parentPath, entry.name);
          return [path.slice(out.length + 1), entry.isDirectory() ? null : readFileSync(path, 'utf8')];
        });
        expect(new Map(found as [string, string | null][])).toEqual(withParents(contents));
      }),
      { numRuns: 12 },
    );
  });

  it('has the epoch for every time, and the nearest that FAT knows for one before 1980 or after 2107', async () => {
    const timeOf = async (epochSeconds: number): Promise<string> => {
      const asked = request(build);
      await writeFat(asked, { ...build.ctx, epochSeconds });
      const image = `${join(asked.directory, 'disk.raw')}@@${OFFSET}`;
      const { stdout } = await execute('mdir', ['-i', image, '::/loader'], { ...UTF8, TZ: 'Asia/Tokyo', MTOOLS_DATE_STRING: 'yyyy-mm-dd' });
      return /LOADER~1 CON\s+\d+ (\S+\s+\S+)/u.exec(stdout)?.[1] ?? stdout;
    };
    expect(await timeOf(Date.UTC(2024, 1, 29, 13, 5, 8) / 1000)).toMatch(/^2024-02-29\s+13:05$/u);
    expect(await timeOf(0)).toMatch(/^1980-01-01\s+0:00$/u);
    expect(await timeOf(Date.UTC(2200, 0, 1) / 1000)).toMatch(/^2107-12-31\s+23:59$/u);
  });

  it('has room for any number of names in the root of a FAT16', async () => {
    const names = Array.from({ length: 700 }, (_, index) => `a longer name ${index}.txt`);
    const files = names.map((name): FatFile => ({ target: `/${name}`, from: 'tree', source: '/f', sizeBytes: 1 }));
    const part = await written(build, { width: 16, files, tree: build.tree({ f: 'x' }) });
    expect((await execute('fsck.fat', ['-nv', part])).exitCode).toBe(0);
    const { stdout } = await execute('mdir', ['-i', part, '-b', '::/']);
    expect(names.filter((name) => !stdout.includes(`::/${name}\n`))).toEqual([]);
  });

  it.each([
    ['/a/co:lon', 'a character that FAT does not allow'],
    ['/a/dot.', 'ends with a dot'],
    [`/a/${'x'.repeat(256)}`, 'more than 255'],
    ['/EFI/boot', 'upper and lower case'],
    ['/LOADER/loader.conf/x', 'upper and lower case'],
  ])('refuses %j', async (target, reason) => {
    const asked = request(build);
    const files: FatFile[] = [...asked.files, { target, from: 'tree', source: '/usr/lib/boot.efi', sizeBytes: 2 }];
    await expect(writeFat({ ...asked, files }, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_FAT_FILE',
      message: expect.stringContaining(reason),
    });
  });

  it('has a name with U+FFFD as it is', async () => {
    const asked = request(build);
    const files: FatFile[] = [{ target: '/caf\ufffd', from: 'tree', source: '/usr/lib/boot.efi', sizeBytes: 2 }];
    await writeFat({ ...asked, files }, build.ctx);
    const bytes = readFileSync(join(asked.directory, asked.file));
    expect(bytes.includes(Buffer.from('caf\ufffd'.slice(0, 4), 'utf16le'))).toBe(true);
  });

  it('refuses a file of 4 GiB and a directory of more than 65,536 entries', async () => {
    const asked = request(build, { sizeBytes: 6 * 1024 * MIB });
    const large: FatFile = { target: '/large', from: 'tree', source: '/large', sizeBytes: 2 ** 32 };
    await expect(writeFat({ ...asked, files: [large] }, build.ctx)).rejects.toMatchObject({ code: 'ICT_DISK_FAT_FILE' });
    const many = Array.from(
      { length: 65_537 },
      (_, index): FatFile => ({ target: `/D/${index}`, from: 'tree', source: '/f', sizeBytes: 0 }),
    );
    await expect(writeFat({ ...asked, files: many }, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_FAT_FILE',
      message: expect.stringMatching(/^\/D .*more files/u),
    });
    const inRoot = many.slice(0, 65_530).map((file) => ({ ...file, target: file.target.slice('/D'.length) }));
    await expect(writeFat({ ...asked, width: 16, sizeBytes: 100 * MIB, files: inRoot, directories: [] }, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_FAT_FILE',
      message: expect.stringMatching(/^\/ .*root directory of a FAT16/u),
    });
  });

  it.each([
    [32, 64 * MIB],
    [16, 100 * MIB],
  ] as const)('writes a FAT%i that is one, also on a disk that is much larger', async (width, sizeBytes) => {
    const asked = request(build, { width, sizeBytes });
    truncateSync(join(asked.directory, 'disk.raw'), 3 * 1024 * MIB);
    await writeFat(asked, build.ctx);
    await using disk = await open(join(asked.directory, 'disk.raw'), 'r');
    const part = Buffer.alloc(sizeBytes);
    await disk.read(part, 0, sizeBytes, OFFSET);
    writeFileSync(join(asked.directory, 'part'), part);
    const { exitCode, stdout } = await execute('fsck.fat', ['-nv', join(asked.directory, 'part')]);
    const clusters = Number(/(\d+) data clusters/u.exec(stdout)?.[1]);
    expect([exitCode, clusters > 65_524]).toEqual([0, width === 32]);
    expect(stdout).not.toMatch(/warning/iu);
  });
});
