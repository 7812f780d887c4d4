import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { look, lookAt } from '@ict/fixtures';
import { expect, it, vi } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import type { FileEntry, ReadableFilesystem } from '../src/filesystems/filesystem.js';
import { openInitrd } from '../src/filesystems/initrd.js';
import { inspectImage, withImage } from '../src/inspect-image.js';
import { numbersFrom, readAll } from './damage.js';
import { noise } from './everything.js';
import { emptyFile, makeDisk, makeFat, MIB, run, workDirectory } from './images.js';
import { portableExecutable } from './programs.js';

type Tree = Readonly<Record<string, string>>;

/** What cpio makes of a tree. */
function archiveOf(tree: string, format = 'newc'): Buffer {
  const script = `find . | sort | cpio --quiet -o -H ${format}`;
  return execFileSync('sh', ['-euc', script], { cwd: tree, maxBuffer: 2 ** 30, env: { ...process.env, LC_ALL: 'C' } });
}

/** Files as a tree below a directory. */
function write(directory: string, files: Tree): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), content);
    utimesSync(join(directory, path), 1_700_000_000, 1_700_000_000);
  }
  return directory;
}

/** A member, also such as no program writes. */
function member(name: string | Buffer, { mode = 0o100644, content = '', links = 1, inode = 1, size = NaN } = {}): Buffer {
  const named = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  const sizeBytes = Number.isNaN(size) ? Buffer.byteLength(content) : size;
  const numbers = [inode, mode, 0, 0, links, 7, sizeBytes, 0, 0, 0, 0, named.length, 0].map((number) =>
    number.toString(16).padStart(8, '0'),
  );
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([padded(Buffer.concat([Buffer.from(`070701${numbers.join('')}`), named])), padded(Buffer.from(content))]);
}

const END = member('TRAILER!!!', { mode: 0 });

function initrdOf(files: Tree): Buffer {
  return Buffer.concat([...Object.entries(files).map(([name, content]) => member(name, { content })), END]);
}

function fileOf(bytes: Buffer): Pick<FileEntry, 'content'> {
  return {
    content: async function* () {
      for (let at = 0; at < bytes.length; at += 5000) yield bytes.subarray(at, at + 5000);
    },
  };
}

async function opened(bytes: Buffer): Promise<ReadableFilesystem> {
  return (await openInitrd(fileOf(bytes)))?.files as ReadableFilesystem;
}

async function textsOf(files: ReadableFilesystem): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for await (const entry of files.walk()) {
    texts[entry.path] = '';
    for await (const piece of entry.content()) texts[entry.path] += piece.toString();
  }
  return texts;
}

/** A filesystem with one file, as an image. */
async function imageWith(directory: string, name: string, files: Readonly<Record<string, Buffer>>): Promise<string> {
  const tree = join(directory, `${name} tree`);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  const image = emptyFile(join(directory, name), 16 * MIB);
  const uuid = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
  await run('mke2fs', '-q', '-t', 'ext4', '-U', uuid, '-E', `hash_seed=${uuid}`, '-d', tree, image);
  return image;
}

it.each(['newc', 'crc'])('an initrd in the form %s is read as cpio wrote it', async (format) => {
  const tree = join(workDirectory(), 'tree');
  write(tree, { empty: '', 'deep/er/text': 'text', large: 'large '.repeat(50_000), 'a-b': '', 'a/c': '' });
  linkSync(join(tree, 'large'), join(tree, 'deep/other name'));
  linkSync(join(tree, 'empty'), join(tree, 'void'));
  symlinkSync('er/text', join(tree, 'deep/link'));
  execFileSync('mknod', [join(tree, 'null'), 'c', '1', '3']);
  execFileSync('mknod', [join(tree, 'disk'), 'b', '259', '70000']);
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  execFileSync('chown', ['70000:4000000000', join(tree, 'large')]);
  chmodSync(join(tree, 'large'), 0o6751);
  const archive = archiveOf(tree, format);
  const seen = await look(tree);
  for (const bytes of [archive, gzipSync(archive), zstdCompressSync(archive)]) {
    const files = await opened(bytes);
    expect(await lookAt(files.walk())).toEqual(seen);
    expect((await files.list('/deep'))?.map(({ path }) => path)).toEqual(['/deep/er', '/deep/link', '/deep/other name']);
    expect([await files.list('/deep/link'), await files.find('/deep/none')]).toEqual([undefined, undefined]);
  }
  const listed = execFileSync('cpio', ['-t', '--quiet'], { input: archive }).toString().trim().split('\n');
  expect(seen.map(({ path }) => path).sort()).toEqual(listed.map((name) => (name === '.' ? '/' : `/${name}`)).sort());
});

it('of a name that several archives have the last counts, and files of one name are those of one archive', async () => {
  const [first, second] = [
    [member('/a', { content: 'old' }), member('b', { links: 2 }), member('./c//', { links: 2, content: 'both' }), END],
    [member('a', { links: 2, content: 'new' }), member('d', { links: 2, content: 'one' }), member('e', { links: 2, inode: 2 }), END],
  ].map((parts) => Buffer.concat(parts)) as [Buffer, Buffer];
  const files = await opened(Buffer.concat([first, Buffer.alloc(512), gzipSync(second)]));
  expect(await textsOf(files)).toEqual({ '/a': 'one', '/b': 'both', '/c': 'both', '/d': 'one', '/e': '' });
  const inodes = await Promise.all(['/a', '/b', '/c', '/d', '/e'].map(async (path) => (await files.find(path))?.inode));
  expect([inodes[0] === inodes[3], inodes[1] === inodes[2], new Set(inodes).size]).toEqual([true, true, 3]);
});

it.each<[string, Buffer, RegExp]>([
  ['a name that climbs', member('a/../../etc/passwd'), /its name a\/\.\.\/\.\.\/etc\/passwd leads out/],
  ['a mode of nothing', member('a', { mode: 0 }), /\/a has inode 1, which is none/],
  ['a target that is too long', member('a', { mode: 0o120777, content: 't'.repeat(5000) }), /target of \/a has 5000 bytes/],
  ['a content that is not there', member('a', { content: 'text', size: 0xffff_fff0 }), /ends inside the member/],
  ['no end', member('a', { content: 'text' }), /ends inside the member/],
])('an initrd with %s is not read, and that is told', async (_, bytes, reason) => {
  const sound = member('sound');
  for (const whole of [Buffer.concat([sound, bytes]), gzipSync(Buffer.concat([sound, END, bytes]))])
    expect(await openInitrd(fileOf(whole))).toEqual({ summary: { type: 'cpio' }, unread: expect.stringMatching(reason) as unknown });
});

it('what is compressed and no initrd is none, and names that are no UTF-8 stay two', async () => {
  for (const bytes of [gzipSync('text'), gzipSync(Buffer.alloc(0)), Buffer.alloc(0), Buffer.from('text'), Buffer.from('1f8b08ff', 'hex')])
    expect(await openInitrd(fileOf(bytes))).toBeUndefined();
  const files = await opened(Buffer.concat([member(Buffer.from([0xf6])), member('\xf6'), END]));
  expect(Object.keys(await textsOf(files))).toEqual(['/\\xf6', '/\xf6']);
});

it('a damaged initrd ends in a result or a reason', async () => {
  const sound = initrdOf({ 'a/b': 'text', c: 'more text' });
  const below = numbersFrom(7);
  let told = 0;
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(sound);
    for (let count = below(4); count >= 0; count--) bytes[below(bytes.length)] = below(256);
    const initrd = await openInitrd(fileOf(round % 2 === 0 ? bytes : gzipSync(bytes)));
    if (initrd?.unread !== undefined) told++;
    expect(await readAll(() => Promise.resolve(initrd))).toBeTypeOf('number');
  }
  expect(told).toBeGreaterThan(50);
});

const MICROCODE = Buffer.concat([initrdOf({ 'kernel/x86/microcode': 'for processors' }), Buffer.alloc(512)]);
const TREE: Tree = { 'etc/fstab': 'one', 'etc/hostname': 'host', init: '#!/bin/sh' };
const content = { change: 'changed', aspects: ['content'] } as const;
/** Too large to be gone through before its end is found to be damaged. */
const LARGE: Tree = { init: '#!/bin/sh', large: noise(3 * MIB).toString('latin1') };

it.each<[string, (archive: Buffer) => Buffer]>([
  ['not compressed', (archive) => archive],
  ['gzip', (archive) => gzipSync(archive)],
  ['zstd', (archive) => zstdCompressSync(archive)],
  ['xz', (archive) => execFileSync('xz', ['-c', '--check=crc32'], { input: archive })],
  ['bzip2', (archive) => execFileSync('bzip2', ['-c'], { input: archive })],
  ['lz4', (archive) => execFileSync('lz4', ['-l', '-c', '-q'], { input: archive })],
])('files of initrds are compared: %s', async (_, compress) => {
  const directory = workDirectory();
  const path = 'boot/initrd.img-6.12.0';
  const image = (name: string, tree: Tree): Promise<string> =>
    imageWith(directory, name, { [path]: Buffer.concat([MICROCODE, compress(initrdOf(tree))]) });
  const a = await image('a', TREE);
  const { 'etc/hostname': gone, ...rest } = TREE;
  const { files } = await compareImages(a, await image('b', { ...rest, 'etc/fstab': 'two', [`etc/${gone}`]: '' }), { times: false });
  expect(files.map(({ path: changed, change }) => [changed, change])).toEqual([
    [`/${path}`, 'changed'],
    [`/${path}/etc/fstab`, 'changed'],
    [`/${path}/etc/host`, 'added'],
    [`/${path}/etc/hostname`, 'removed'],
  ]);
  expect(files[1]).toEqual({ partition: 0, path: `/${path}/etc/fstab`, ...content });
});

it('modes and times of files in initrds count as those of other files, however the initrds are compressed', async () => {
  const directory = workDirectory();
  const a = await imageWith(directory, 'a', { initrd: gzipSync(Buffer.concat([member('init', { content: 'x' }), END])) });
  const later = Buffer.concat([member('init', { content: 'x', mode: 0o100755 }), END]);
  later.write('00000008', 6 + 5 * 8, 'latin1');
  const b = await imageWith(directory, 'b', { initrd: zstdCompressSync(later) });
  const told = async (times: boolean): Promise<unknown> =>
    (await compareImages(a, b, { times })).files.find(({ path }) => path === '/initrd/init');
  expect(await told(false)).toMatchObject({ aspects: ['mode'] });
  expect(await told(true)).toMatchObject({ aspects: ['mode', 'time'] });
});

it('an initrd that is not read says why, of either image, and other compressed files say nothing', async () => {
  const directory = workDirectory();
  const lzop = Buffer.concat([MICROCODE, Buffer.from('894c5a4f000d0a1a0a1040', 'hex')]);
  const [one, other] = [initrdOf(LARGE), initrdOf({ ...LARGE, init: '' })].map((archive) => gzipSync(archive)) as [Buffer, Buffer];
  const a = await imageWith(directory, 'a', { lzop, one, 'text.gz': gzipSync('text'), cut: one.subarray(0, -MIB) });
  const b = await imageWith(directory, 'b', {
    lzop: one,
    one: Buffer.concat([other, Buffer.from('more')]),
    'text.gz': gzipSync('TEXT'),
    cut: other,
  });
  const { files } = await compareImages(a, b, { times: false });
  const found = (words: RegExp): unknown => expect.stringMatching(words);
  expect(files).toEqual([
    { partition: 0, path: '/cut', change: 'changed', aspects: ['content', 'size'], unread: { a: found(/^The gz data is damaged/) } },
    {
      partition: 0,
      path: '/lzop',
      change: 'changed',
      aspects: ['content', 'size'],
      unread: { a: found(/^At byte \d+ it is compressed with lzop/) },
    },
    { partition: 0, path: '/one', change: 'changed', aspects: ['content', 'size'], unread: { b: found(/^The gz data is damaged/) } },
    { partition: 0, path: '/text.gz', ...content },
  ]);
  vi.stubEnv('PATH', directory);
  const bz2 = fileOf(Buffer.from('BZh91AY&SY', 'latin1'));
  expect(await openInitrd(bz2)).toMatchObject({ unread: found(/The program bzip2 is needed/) });
  vi.unstubAllEnvs();
});

it('is not gone through any more when that is not wanted', async () => {
  const enough = new AbortController();
  const initrd = gzipSync(initrdOf(LARGE));
  const source = {
    content: async function* () {
      yield initrd.subarray(0, MIB);
      enough.abort(new Error('enough'));
      yield initrd.subarray(MIB);
    },
  };
  await expect(openInitrd(source, enough.signal)).rejects.toThrow('enough');
});

it('sections of unified kernel images are told, and files of the initrds in them', async () => {
  const directory = workDirectory();
  const disk = async (name: string, fstab: string, options: string): Promise<string> => {
    const initrd = Buffer.concat([MICROCODE, zstdCompressSync(initrdOf({ ...TREE, 'etc/fstab': fstab }))]);
    const program = portableExecutable({ '/4': 'symbols', '.cmdline': options, '.initrd': initrd, '.linux': 'k'.repeat(100_000) });
    const esp = await makeFat(join(directory, `${name} esp`), 4 * MIB, { '/EFI/Linux/new.efi': program }, '-F', '12');
    return makeDisk(join(directory, name), [{ type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB }]);
  };
  const a = await disk('a', 'one', 'quiet');
  const { files } = await compareImages(a, await disk('b', 'two', 'quick'), { times: false });
  const unified = '/EFI/Linux/new.efi';
  expect(files.map(({ path }) => path)).toEqual([unified, `${unified}/.cmdline`, `${unified}/.initrd`, `${unified}/.initrd/etc/fstab`]);
  for (const index of [0, 1, 3]) expect(files[index]).toMatchObject(content);
});

const SYSTEM: Tree = { 'etc/os-release': 'ID=x\nPRETTY_NAME="A system"\n', 'etc/hostname': 'host\n' };

it.each([
  ['compressed', (archive: Buffer) => gzipSync(archive)],
  ['as it is', (archive: Buffer) => archive],
])('an initrd alone, %s, is an image', async (_, compress) => {
  const directory = workDirectory();
  const image = (name: string, tree: Tree): string => {
    writeFileSync(join(directory, name), compress(initrdOf({ ...tree, ...LARGE })));
    return join(directory, name);
  };
  const a = image('a', SYSTEM);
  expect(await inspectImage(a)).toEqual({
    sizeBytes: readFileSync(a).length,
    partitions: [{ number: 0, startBytes: 0, sizeBytes: readFileSync(a).length, type: 'whole', filesystem: { type: 'cpio' } }],
    system: { id: 'x', title: 'A system', hostname: 'host', kernels: [] },
  });
  const { files, compared } = await compareImages(a, image('b', { ...SYSTEM, 'etc/hostname': 'other' }), { times: false });
  expect([compared, files.map(({ path }) => path)]).toEqual([[0], ['/etc/hostname']]);
  writeFileSync(join(directory, 'cut'), readFileSync(a).subarray(0, -MIB));
  const cut = await compareImages(a, join(directory, 'cut'), { times: false });
  expect(cut).toMatchObject({ compared: [], comparedBytes: [0] });
  expect(cut.b.partitions[0]?.problem).toMatch(/^files of this cpio are not read: The /);
});

it('the system of a medium is that of an initrd that is one, and not what finds a system', async () => {
  const directory = workDirectory();
  const entries = { '/loader/entries/a.conf': 'initrd /live/first\ninitrd /live/none\ninitrd /live/second\n' };
  const first = gzipSync(initrdOf({ ...SYSTEM, 'etc/initrd-release': '', 'etc/hostname': 'finder' }));
  const live = { '/live/first': first, '/live/second': gzipSync(initrdOf(SYSTEM)) };
  const esp = await makeFat(join(directory, 'esp'), 4 * MIB, { ...entries, ...live }, '-F', '12');
  const disk = makeDisk(join(directory, 'disk'), [{ type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB }]);
  await withImage(disk, async ({ report }) => expect(report.system).toMatchObject({ title: 'A system', hostname: 'host' }));
});

it('what an initrd says of its system and is not to be believed is the problem of its partition', async () => {
  const directory = workDirectory();
  const initrd = gzipSync(initrdOf({ 'etc/os-release': 'x'.repeat(MIB + 1) }));
  const files = { '/loader/entries/a.conf': 'title A\ninitrd /initrd\n', '/initrd': initrd };
  const esp = await makeFat(join(directory, 'esp'), 4 * MIB, files, '-F', '12');
  const disk = makeDisk(join(directory, 'disk'), [{ type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB }]);
  const { partitions, boot, system } = await inspectImage(disk);
  expect(partitions[0]).toMatchObject({ problem: '/etc/os-release has 1048577 bytes, more than 1048576', filesystem: { type: 'vfat' } });
  expect([boot?.entries[0]?.title, system]).toEqual(['A', undefined]);
});
