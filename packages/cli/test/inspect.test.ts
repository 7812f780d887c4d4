import { execFileSync, spawnSync } from 'node:child_process';
import { hash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compileSchema } from '@ict/template';
import { expect, it, vi } from 'vitest';
import { ict, temporaryDirectory } from './fixture.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
/** Of no other test: mkfs.btrfs refuses one that something mounted has. */
const BTRFS_UUID = randomUUID();

function run(program: string, ...argv: readonly string[]): void {
  const { status, stderr } = spawnSync(program, argv, { env: { ...process.env, E2FSPROGS_FAKE_TIME: '1700000000' } });
  expect([program, status, String(stderr)]).toEqual([program, 0, expect.any(String)]);
}

const sha256 = (bytes: Buffer): string => `sha256:${hash('sha256', bytes)}`;

function outputOf(program: string, ...argv: readonly string[]): Buffer {
  return execFileSync(program, argv, { maxBuffer: 64 * 1024 ** 2 });
}

/** A filesystem image of a tree with one file, and a manifest beside it. */
async function makeImage(directory: string, name: string, content: string, packages: readonly object[]): Promise<string> {
  const tree = join(directory, `${name} tree`);
  await mkdir(join(tree, 'etc'), { recursive: true });
  writeFileSync(join(tree, 'etc/os-release'), 'PRETTY_NAME="A \u001b[31msystem"\nID=x\n');
  writeFileSync(join(tree, 'etc/file'), content);
  const image = join(directory, `${name}.raw`);
  run('mke2fs', '-q', '-t', 'ext4', '-U', UUID, '-E', `hash_seed=${UUID}`, '-L', 'root', '-d', tree, image, '8M');
  writeFileSync(join(directory, `${name}.manifest.json`), JSON.stringify({ schemaVersion: 1, packages }));
  return image;
}

const package_ = (name: string, version: string): object => ({ name, version, arch: 'amd64' });

async function document(argv: readonly string[], schemaName: string): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await ict([...argv, '--json']);
  expect([status, stderr.text]).toEqual([0, '']);
  const printed = JSON.parse(stdout.text) as Record<string, unknown>;
  const schema = JSON.parse((await ict(['schema', schemaName])).stdout.text) as object;
  expect(compileSchema(schema).check(printed, schemaName)).toEqual([]);
  return printed;
}

it('inspect shows what an image holds, and the packages of the manifest beside it', async () => {
  const directory = await temporaryDirectory();
  const image = await makeImage(directory, 'a', 'one', [package_('jq', '1.7'), package_('zstd', '1.5')]);
  expect(await document(['inspect', image], 'inspect')).toEqual({
    schemaVersion: 1,
    image,
    sizeBytes: 8 * 1024 ** 2,
    partitions: [
      {
        ...{ number: 0, startBytes: 0, sizeBytes: 8 * 1024 ** 2, type: 'whole' },
        filesystem: { type: 'ext4', label: 'root', id: UUID, sizeBytes: 8 * 1024 ** 2, freeBytes: expect.any(Number) as unknown },
      },
    ],
    system: { title: 'A \u001b[31msystem', id: 'x', kernels: [] },
    manifest: join(directory, 'a.manifest.json'),
    packages: [package_('jq', '1.7'), package_('zstd', '1.5')],
  });
  const { status, stdout } = await ict(['inspect', 'a.raw'], { cwd: directory });
  expect(status).toBe(0);
  expect(stdout.text).not.toContain('\u001b');
  expect(stdout.text).toMatch(
    /^a\.raw {2}8\.00 MiB, no partition table\n\n {2}System {2}A system\n {2}Packages {2}2, as the manifest beside it says\n/,
  );
  expect(stdout.text).toContain(UUID);
});

it('inspect prints no escape sequence that an image has in place of an identity', async () => {
  const image = join(await temporaryDirectory(), 'a.raw');
  const head = Buffer.alloc(4096);
  head.write('LUKS\xba\xbe', 'latin1');
  head.write('\u001b[31mid', 168);
  writeFileSync(image, head);
  const { status, stdout } = await ict(['inspect', image]);
  expect([status, stdout.text]).toEqual([0, expect.stringMatching(/ id\n$/u)]);
  expect(stdout.text).not.toContain('\u001b');
});

it('compare names packages, files and values that differ, and ends as it is asked to', async () => {
  const directory = await temporaryDirectory();
  const a = await makeImage(directory, 'a', 'one', [package_('jq', '1.7'), package_('old', '1')]);
  const b = await makeImage(directory, 'b', 'two', [package_('jq', '1.8'), package_('new', '2')]);
  expect(await document(['compare', a, b], 'compare')).toEqual({
    ...{ schemaVersion: 1, a, b, equal: false, values: [], compared: [0] },
    packages: [
      { name: 'jq', arch: 'amd64', a: '1.7', b: '1.8' },
      { name: 'new', arch: 'amd64', b: '2' },
      { name: 'old', arch: 'amd64', a: '1' },
    ],
    files: [{ partition: 0, path: '/etc/file', change: 'changed', aspects: ['content'] }],
  });
  const { status, stdout } = await ict(['compare', a, b, '--exit-code']);
  expect(status).toBe(1);
  expect(stdout.text).toContain('jq:amd64   1.7  1.8');
  expect(stdout.text).toContain('~ 0:/etc/file  content');
  const same = await ict(['compare', a, a, '--exit-code']);
  expect([same.status, same.stdout.text]).toEqual([0, expect.stringContaining('hold the same. Files of 1 partition were compared.')]);
});

it.each([
  ['btrfs', (tree: string, image: string) => run('mkfs.btrfs', '--quiet', '--uuid', BTRFS_UUID, '--rootdir', tree, image)],
  ['squashfs', (tree: string, image: string) => run('mksquashfs', tree, image, '-noappend', '-quiet', '-no-progress', '-comp', 'zstd')],
  ['erofs', (tree: string, image: string) => run('mkfs.erofs', '--quiet', '-zlz4', '-U', UUID, image, tree)],
])('compare names the file in which two images of %s differ', async (type, make) => {
  const directory = await temporaryDirectory();
  const image = async (name: string, content: string): Promise<string> => {
    const tree = join(directory, `tree ${name}`);
    await mkdir(join(tree, 'etc'), { recursive: true });
    writeFileSync(join(tree, 'etc/os-release'), 'ID=x\n');
    writeFileSync(join(tree, 'etc/file'), content);
    writeFileSync(join(directory, name), '');
    if (type === 'btrfs') truncateSync(join(directory, name), 128 * 1024 ** 2);
    make(tree, join(directory, name));
    return join(directory, name);
  };
  const [a, b] = [await image('a.raw', 'one'), await image('b.raw', 'two')];
  expect(await document(['inspect', a], 'inspect')).toMatchObject({ partitions: [{ filesystem: { type } }], system: { id: 'x' } });
  expect(await document(['compare', a, b], 'compare')).toMatchObject({
    ...{ equal: false, compared: [0] },
    files: [{ partition: 0, path: '/etc/file', change: 'changed', aspects: ['content'] }],
  });
  expect((await ict(['compare', a, a, '--exit-code'])).status).toBe(0);
});

it('compare names the file of a squashfs on two ISO images', async () => {
  const directory = await temporaryDirectory();
  const image = async (name: string): Promise<string> => {
    const medium = join(directory, `medium ${name}`);
    await mkdir(join(directory, `tree ${name}/etc`), { recursive: true });
    await mkdir(join(medium, 'live'), { recursive: true });
    writeFileSync(join(directory, `tree ${name}/etc/file`), name);
    run('mksquashfs', join(directory, `tree ${name}`), join(medium, 'live/filesystem.squashfs'), '-quiet', '-no-progress');
    run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', join(directory, `${name}.iso`), medium);
    return join(directory, `${name}.iso`);
  };
  const { files } = await document(['compare', await image('a'), await image('b')], 'compare');
  expect(files).toContainEqual({ partition: 0, path: '/live/filesystem.squashfs/etc/file', change: 'changed', aspects: ['content'] });
});

it.each(['a.cpio', 'a.cpio.gz', 'a.img'])('an initrd is an image: %s', async (name) => {
  const image = async (directory: string, content: string): Promise<string> => {
    await mkdir(join(directory, 'tree/etc'), { recursive: true });
    writeFileSync(join(directory, 'tree/etc/os-release'), 'ID=x\n');
    writeFileSync(join(directory, 'tree/etc/fstab'), content);
    const archive = execFileSync('sh', ['-euc', 'find . | sort | cpio --quiet -o -H newc'], { cwd: join(directory, 'tree') });
    writeFileSync(join(directory, name), name.endsWith('.gz') ? gzipSync(archive) : archive);
    return join(directory, name);
  };
  const [a, b] = [await image(await temporaryDirectory(), 'one'), await image(await temporaryDirectory(), 'two')];
  expect(await document(['inspect', a], 'inspect')).toMatchObject({ partitions: [{ filesystem: { type: 'cpio' } }], system: { id: 'x' } });
  const { files, compared } = await document(['compare', a, b], 'compare');
  expect([compared, files]).toEqual([[0], [{ partition: 0, path: '/etc/fstab', change: 'changed', aspects: ['content'] }]]);
  expect((await ict(['compare', a, a, '--exit-code'])).status).toBe(0);
});

it('compare names the file in which initrds of two images differ, and says why it does not where it cannot', async () => {
  const directory = await temporaryDirectory();
  const image = async (name: string): Promise<string> => {
    const tree = join(directory, `tree ${name}`);
    await mkdir(join(tree, 'boot'), { recursive: true });
    await mkdir(join(tree, 'initrd/etc'), { recursive: true });
    writeFileSync(join(tree, 'initrd/etc/fstab'), name);
    const archive = execFileSync('sh', ['-euc', 'find . | sort | cpio --quiet -o -H newc'], { cwd: join(tree, 'initrd') });
    writeFileSync(join(tree, 'boot/initrd.img-6.12.0'), zstdCompressSync(archive));
    writeFileSync(join(tree, 'boot/initrd.lzo'), Buffer.concat([Buffer.from('894c5a4f000d0a1a0a', 'hex'), Buffer.from(name)]));
    run('mke2fs', '-q', '-t', 'ext4', '-U', UUID, '-E', `hash_seed=${UUID}`, '-d', tree, join(directory, `${name}.raw`), '8M');
    return join(directory, `${name}.raw`);
  };
  const [a, b] = [await image('one'), await image('two')];
  const reason = 'At byte 0 it is compressed with lzop';
  const { files } = await document(['compare', a, b], 'compare');
  expect(files).toContainEqual({ partition: 0, path: '/boot/initrd.img-6.12.0/etc/fstab', change: 'changed', aspects: ['content'] });
  expect(files).toContainEqual(expect.objectContaining({ path: '/boot/initrd.lzo', unread: { a: reason, b: reason } }));
  const { stdout } = await ict(['compare', 'one.raw', 'two.raw'], { cwd: directory });
  expect(stdout.text).toContain('~ 0:/boot/initrd.img-6.12.0/etc/fstab  content');
  expect(stdout.text).toContain(`  warning files in 0:/boot/initrd.lzo of one.raw are not read: ${reason}\n`);
});

it('compare holds bytes of a partition that has no files against each other', async () => {
  const directory = await temporaryDirectory();
  const image = join(directory, 'a.raw');
  writeFileSync(image, Buffer.alloc(64 * 1024));
  run('mkswap', '--uuid', UUID, image);
  const same = await ict(['compare', image, image, '--exit-code']);
  const looked = 'No files could be compared; of 1 partition (swap) the bytes were, as their files are not read.';
  expect([same.status, same.stdout.text]).toEqual([0, expect.stringContaining(`hold the same. ${looked}\n`)]);
  const other = join(directory, 'b.raw');
  const bytes = readFileSync(image);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(other, bytes);
  const differs = await ict(['compare', image, other, '--exit-code']);
  expect([differs.status, differs.stdout.text]).toEqual([1, expect.stringContaining('partitions.0.content\n')]);
  expect(differs.stdout.text).toContain(looked);
  const content = { what: 'partitions.0.content', a: sha256(readFileSync(image)), b: sha256(bytes) };
  expect(await document(['compare', image, other], 'compare')).toMatchObject({ equal: false, values: [content], comparedBytes: [0] });
});

it('compare warns of a problem that both images have, whether they differ or not', async () => {
  const directory = await temporaryDirectory();
  const pending = async (name: string): Promise<string> => {
    const image = await makeImage(directory, name, name, []);
    const bytes = readFileSync(image);
    bytes[1024 + 0x60]! |= 4; // as of one that is mounted
    writeFileSync(image, bytes);
    return image;
  };
  const [a, b] = [await pending('a'), await pending('b')];
  const problem = 'this ext4 was not unmounted, and changes that are only in its journal are not read';
  const warning = `Files of 1 partition were compared.\n  warning partition 0 of both: ${problem}\n`;
  expect((await ict(['compare', a, a])).stdout.text).toMatch(new RegExp(`hold the same\\. ${warning}$`));
  expect((await ict(['compare', a, b])).stdout.text).toMatch(new RegExp(`\n\n${warning}$`));
  expect(await document(['compare', a, b], 'compare')).toMatchObject({ problems: [{ partition: 0, problem }] });
  const sound = await makeImage(directory, 'c', 'a', []);
  const { values, problems } = await document(['compare', a, sound], 'compare');
  expect([values, problems]).toEqual([[{ what: 'partitions.0.problem', a: problem }], undefined]);
});

it.each([
  ['qcow2', (raw: string, file: string) => run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, file)],
  ['raw.gz', (raw: string, file: string) => writeFileSync(file, gzipSync(readFileSync(raw)))],
  ['raw.zst', (raw: string, file: string) => writeFileSync(file, zstdCompressSync(readFileSync(raw)))],
  ['raw.xz', (raw: string, file: string) => writeFileSync(file, outputOf('xz', '-0', '--stdout', raw))],
  ['img.bz2', (raw: string, file: string) => writeFileSync(file, outputOf('bzip2', '-1', '--stdout', raw))],
])('an image in the form .%s is read as the raw one, and nothing of it is left', async (suffix, convert) => {
  const directory = await temporaryDirectory();
  const image = await makeImage(directory, 'a', 'one', []);
  const other = join(directory, `other.${suffix}`);
  convert(image, other);
  const temporary = join(directory, 'place', 'temporary'); // is made
  expect(await document(['compare', image, other, '--temp-dir', temporary], 'compare')).toMatchObject({ equal: true, compared: [0] });
  expect(readdirSync(temporary)).toEqual([]);
  const nothing = join(directory, `nothing.${suffix}`);
  writeFileSync(`${nothing}.raw`, Buffer.alloc(1024 ** 2));
  convert(`${nothing}.raw`, nothing);
  for (const argv of [
    ['inspect', nothing],
    ['compare', image, nothing],
    ['compare', nothing, image],
  ]) {
    const failed = await ict([...argv, '--temp-dir', temporary]);
    expect([failed.status, failed.stderr.text]).toEqual([2, expect.stringContaining(`${nothing} has no partition table`)]);
  }
  writeFileSync(other, 'no image');
  const { status, stderr } = await ict(['inspect', other, '--temp-dir', temporary]);
  expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_USAGE')]);
  expect(readdirSync(temporary)).toEqual([]);
});

it('what is no image, or needs what is missing, says what to do', async () => {
  const directory = await temporaryDirectory();
  writeFileSync(join(directory, 'text.raw'), 'text');
  writeFileSync(join(directory, 'disk.vdi'), '');
  const at = (name: string): Promise<{ status: number; stderr: { text: string } }> => ict(['inspect', name], { cwd: directory });
  for (const [name, code, words] of [
    ['text.raw', 'ICT_INSPECT_IMAGE', 'no filesystem that is known'],
    ['none.raw', 'ICT_CLI_USAGE', 'ENOENT'],
    ['template.yml', 'ICT_CLI_USAGE', 'ict build template.yml'],
    ['.', 'ICT_CLI_USAGE', 'is no file'],
  ] as const) {
    const { status, stderr } = await at(name);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining(code)]);
    expect(stderr.text).toContain(words);
  }
  const compressed = gzipSync(Buffer.alloc(1024));
  run('qemu-img', 'create', '-q', '-f', 'qcow2', join(directory, 'disk.qcow2'), '1M');
  writeFileSync(join(directory, 'a.raw'), readFileSync(join(directory, 'disk.qcow2')));
  writeFileSync(join(directory, 'b.raw.gz'), gzipSync(readFileSync(join(directory, 'disk.qcow2'))));
  writeFileSync(join(directory, 'c.gz'), compressed);
  writeFileSync(join(directory, 'd.cpio.gz'), compressed);
  writeFileSync(join(directory, 'e.iso.xz'), Buffer.from('fd377a585a0000', 'hex'));
  for (const [name, words, remedy] of [
    ['a.raw', 'a.raw is a disk of qemu, which its ending does not say', 'end in .qcow2'],
    ['b.raw.gz', 'b.raw.gz holds a disk of qemu, and no raw disk', 'Unpack it, under a name that ends in .qcow2'],
    ['c.gz', 'c.gz is a file of gzip', 'gzip -dk'],
    ['d.cpio.gz', 'd.cpio.gz has no partition table', 'or an initrd'],
    ['e.iso.xz', 'e.iso.xz is a file of xz', 'xz -dk'],
  ] as const) {
    const { status, stderr } = await at(name);
    expect([name, status, stderr.text]).toEqual([name, 2, expect.stringContaining(words)]);
    expect(stderr.text).toContain(remedy);
  }
  const nowhere = await ict(['inspect', 'disk.vdi', '--temp-dir', join(directory, 'text.raw', 'none')], { cwd: directory });
  expect([nowhere.status, nowhere.stderr.text]).toEqual([2, expect.stringContaining('--temp-dir names a directory')]);
  vi.stubEnv('PATH', directory);
  const { status, stderr } = await at('disk.vdi');
  vi.unstubAllEnvs();
  expect([status, stderr.text]).toEqual([7, expect.stringContaining('qemu-img is needed')]);
});
