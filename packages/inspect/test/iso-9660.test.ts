import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { look, lookAt } from '@ict/fixtures';
import { expect, it } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import type { ReadableFilesystem } from '../src/filesystems/filesystem.js';
import { openIso9660 } from '../src/filesystems/iso-9660.js';
import { withImage } from '../src/inspect-image.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { lookInto } from './everything.js';
import { overwrite, run, workDirectory } from './images.js';

async function iso(image: string, tree: string, ...options: readonly string[]): Promise<string> {
  rmSync(image, { force: true });
  await run('xorriso', '-as', 'mkisofs', '-quiet', '-V', 'A_LABEL', ...options, '-o', image, tree);
  return image;
}

/** Everything that an ISO image of xorriso holds. */
function fill(directory: string): void {
  const at = (path: string): string => join(directory, path);
  mkdirSync(at('deep/er'), { recursive: true });
  writeFileSync(at('empty'), '');
  writeFileSync(at('deep/er/Mixed Case, and a name that is longer than others.tar.gz'), 'text');
  writeFileSync(at('large'), Buffer.alloc(300_001, 'large'));
  for (let index = 0; index < 200; index++) writeFileSync(at(`deep/${'n'.repeat(index)} ${index}`), `${index}`);
  symlinkSync('../deep/./er/none', at('deep/link'));
  symlinkSync(`/${'long/'.repeat(90)}${'t'.repeat(200)}`, at('long link'));
  execFileSync('mknod', [at('null'), 'c', '1', '3']);
  execFileSync('mkfifo', [at('pipe')]);
  execFileSync('chown', ['1234:70000', at('large')]);
  chmodSync(at('large'), 0o4751);
  utimesSync(at('empty'), 1_000_000_000, 1_000_000_000);
}

it('an ISO 9660 with Rock Ridge is read as it was written', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  fill(tree);
  const image = await iso(join(directory, 'image.iso'), tree, '-R');
  const read = await lookInto(image);
  expect(read).toEqual(await look(tree));
  expect(read.length).toBeGreaterThan(208);
  await withImage(image, async ({ report }) => {
    expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'iso9660', label: 'A_LABEL' } }]);
  });
});

it('directories that Rock Ridge moved elsewhere are read where they lie', async () => {
  const directory = workDirectory();
  mkdirSync(join(directory, 'tree/a/b/c/d/e/f/g/h/i'), { recursive: true });
  writeFileSync(join(directory, 'tree/a/b/c/d/e/f/g/h/i/file'), 'text');
  const image = join(directory, 'image.iso');
  const moved = ['-compliance', 'deep_paths_off', '-rr_reloc_dir', 'moved'];
  await run('xorriso', ...moved, '-outdev', image, '-map', join(directory, 'tree'), '/', '-commit');
  const paths = (await lookInto(image)).map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['/a/b/c/d/e/f/g', '/moved/h/i/file']));
  expect(paths).not.toContain('/a/b/c/d/e/f/g/h');
});

it('without Rock Ridge names are those that Linux shows', async () => {
  const directory = workDirectory();
  mkdirSync(join(directory, 'tree/LIVE'), { recursive: true });
  writeFileSync(join(directory, 'tree/LIVE/INITRD.IMG'), 'initrd');
  writeFileSync(join(directory, 'tree/PLAIN'), 'plain');
  const image = await iso(join(directory, 'image.iso'), join(directory, 'tree'), '--norock');
  const read = await lookInto(image);
  expect(read.map(({ path, mode, sizeBytes }) => [path, mode, sizeBytes])).toEqual([
    ['/', 0o555, undefined],
    ['/live', 0o555, undefined],
    ['/live/initrd.img', 0o555, 6],
    ['/plain', 0o555, 5],
  ]);
});

it.each([
  ['PLAIN.X;2', '/plain.x.2'],
  ['PLAIN.X 1', '/plain.x 1'],
  ['PLAIN/.;1', '/plain.'],
  ['PLAIN.;1;', '/plain..1.'],
])('without Rock Ridge %s is named as Linux does it', async (identifier, path) => {
  const directory = workDirectory();
  mkdirSync(join(directory, 'tree'));
  writeFileSync(join(directory, 'tree/PLAIN.X'), 'plain');
  const image = await iso(join(directory, 'image.iso'), join(directory, 'tree'), '--norock');
  overwrite(image, readFileSync(image).indexOf('PLAIN.X;1'), Buffer.from(identifier));
  expect((await lookInto(image)).map((record) => record.path)).toEqual(['/', path]);
});

it.each([
  ['squashfs', (tree: string, image: string) => run('mksquashfs', tree, image, '-noappend', '-no-progress', '-quiet', '-comp', 'zstd')],
  ['erofs', (tree: string, image: string) => run('mkfs.erofs', '--quiet', '-zlz4', image, tree)],
])('files of %s on an ISO image are compared, and its system is shown', async (type, make) => {
  const directory = workDirectory();
  const image = async (name: string, content: string): Promise<string> => {
    const [tree, medium] = [join(directory, `${name} tree`), join(directory, `${name} medium`)];
    mkdirSync(join(tree, 'etc'), { recursive: true });
    mkdirSync(join(medium, 'live'), { recursive: true });
    writeFileSync(join(tree, 'etc/os-release'), 'ID=x\nPRETTY_NAME="A system"\n');
    writeFileSync(join(tree, 'etc/motd'), content);
    writeFileSync(join(medium, 'README'), 'equal');
    await make(tree, join(medium, `live/filesystem.${type}`));
    return iso(join(directory, name), medium, '-R');
  };
  const [a, b] = [await image('a.iso', 'one'), await image('b.iso', 'two')];
  await withImage(a, async ({ report }) => expect(report.system).toMatchObject({ id: 'x', title: 'A system' }));
  const { files, compared } = await compareImages(a, b, { times: false });
  expect(compared).toEqual([0]);
  expect(files.map(({ path, change, aspects }) => [path, change, aspects.includes('content')])).toEqual([
    [`/live/filesystem.${type}`, 'changed', true],
    [`/live/filesystem.${type}/etc/motd`, 'changed', true],
  ]);
  // What is damaged within says where it is.
  const bytes = readFileSync(b);
  const start = bytes.indexOf(type === 'squashfs' ? 'hsqs' : Buffer.from([0xe2, 0xe1, 0xf5, 0xe0])) - (type === 'squashfs' ? 0 : 1024);
  overwrite(b, start + (type === 'squashfs' ? 12 : 1024 + 12), Buffer.from([0xee]));
  await expect(compareImages(a, b, { times: false })).rejects.toMatchObject({
    code: 'ICT_INSPECT_IMAGE',
    message: expect.stringMatching(
      new RegExp(`files of partition 0 .* in ${b} is damaged: /live/filesystem.${type}: the superblock of the ${type}`),
    ) as unknown,
  });
  await withImage(b, async ({ report }) => expect(report.partitions[0]?.problem).toMatch(`/live/filesystem.${type}: the superblock`));
});

it('a filesystem on an ISO image whose files are not read says why', async () => {
  const directory = workDirectory();
  const image = async (name: string): Promise<string> => {
    const [tree, medium] = [join(directory, `${name} tree`), join(directory, `${name} medium`)];
    for (const path of [tree, medium]) mkdirSync(path);
    writeFileSync(join(tree, 'file'), name);
    await run('mksquashfs', tree, join(medium, 'squashfs'), '-noappend', '-no-progress', '-quiet', '-comp', 'gzip');
    return iso(join(directory, name), medium, '-R');
  };
  const [a, b] = [await image('a'), await image('b')];
  overwrite(b, readFileSync(b).indexOf('hsqs') + 20, Buffer.from([3]));
  const { files } = await compareImages(a, b, { times: false });
  expect(files).toEqual([
    { partition: 0, path: '/squashfs', change: 'changed', aspects: ['content'], unread: { b: expect.stringContaining('lzo') as unknown } },
  ]);
});

it('is found in the partition that media of distributions have over it', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  fill(tree);
  const image = await iso(join(directory, 'image.iso'), tree, '-R', '-partition_offset', '16');
  await withImage(image, async ({ report, filesystems }) => {
    expect(report.table?.type).toBe('mbr');
    expect(await lookAt((filesystems.get(1)?.files as ReadableFilesystem).walk())).toEqual(await look(tree));
  });
});

it('an image that names itself as a file ends', async () => {
  const directory = workDirectory();
  const medium = join(directory, 'medium');
  mkdirSync(medium);
  writeFileSync(join(medium, 'SELF'), Buffer.alloc(40_000, 'self'));
  const a = await iso(join(directory, 'a.iso'), medium, '--norock');
  const bytes = readFileSync(a);
  const name = bytes.indexOf('SELF');
  bytes.writeUInt32LE(0, name - 33 + 2);
  bytes.writeUInt32LE(Math.floor(bytes.length / 2048) * 2048, name - 33 + 10);
  writeFileSync(a, bytes);
  const b = join(directory, 'b.iso');
  cpSync(a, b);
  overwrite(b, 100, Buffer.from('other'));
  const { files } = await compareImages(a, b, { times: false });
  expect(files.map(({ path }) => path)).toEqual(['/self', '/self/self', '/self/self/self', '/self/self/self/self']);
});

it('an image whose files are all itself is looked into no more often than media have filesystems', async () => {
  const directory = workDirectory();
  const medium = join(directory, 'medium');
  mkdirSync(medium);
  const names = Array.from({ length: 10 }, (_none, index) => `SELF${index}`);
  for (const name of names) writeFileSync(join(medium, name), name);
  const a = await iso(join(directory, 'a.iso'), medium, '--norock');
  const bytes = readFileSync(a);
  for (const name of names) {
    const at = bytes.indexOf(name, 32_768) - 33;
    bytes.writeUInt32LE(0, at + 2);
    bytes.writeUInt32LE(Math.floor(bytes.length / 2048) * 2048, at + 10);
  }
  writeFileSync(a, bytes);
  const b = join(directory, 'b.iso');
  cpSync(a, b);
  overwrite(b, 100, Buffer.from('other'));
  const { files } = await compareImages(a, b, { times: false });
  expect(files.length).toBe(10 + 64 * 10);
  await withImage(a, async ({ report }) => expect(report.system).toBeUndefined());
});

it('a file whose further parts are missing is not left out', async () => {
  const directory = workDirectory();
  const medium = join(directory, 'medium');
  mkdirSync(medium);
  for (const name of ['FIRST', 'LAST']) writeFileSync(join(medium, name), name);
  const bytes = readFileSync(await iso(join(directory, 'image.iso'), medium, '--norock'));
  expect(await readAll(() => openIso9660(bytesIn(bytes)))).toBe(3);
  for (const name of ['FIRST', 'LAST']) {
    const damaged = Buffer.from(bytes);
    damaged[damaged.indexOf(name, 32_768) - 33 + 25] = 0x80;
    expect(await readAll(() => openIso9660(bytesIn(damaged)))).toEqual(new RangeError('parts of a file in / are missing'));
  }
});

it('whatever is damaged ends in a result or a problem', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  fill(tree);
  rmSync(join(tree, 'large'));
  const image = await iso(join(directory, 'image.iso'), tree, '-R');
  truncateSync(image, Math.floor(readFileSync(image).length / 2048) * 2048);
  const bytes = readFileSync(image);
  const open = (): ReturnType<typeof openIso9660> => openIso9660(bytesIn(bytes));
  const names = await readAll(open);
  expect(names).toBeGreaterThan(200);
  const number = numbersFrom(20_261_130);
  const outcomes = { read: 0, told: 0 };
  for (let turn = 0; turn < 400; turn++) {
    const sound = Buffer.from(bytes);
    // Descriptors, path tables and directories are at the beginning.
    for (let count = number(6); count >= 0; count--) bytes[32_768 + number(64 * 1024)] = number(256);
    if (turn % 4 === 0) bytes[32_768 + 80 + number(120)] = number(256);
    outcomes[typeof (await readAll(open)) === 'number' ? 'read' : 'told']++;
    sound.copy(bytes);
  }
  expect(outcomes.read).toBeGreaterThan(50);
  expect(outcomes.told).toBeGreaterThan(50);
  expect(await readAll(open)).toBe(names);
});
