import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { look, mounted, withoutShownAcls } from '@ict/fixtures';
import { XFS_FEATURE } from '@ict/image-parts';
import { describe, expect, it } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import { withImage } from '../src/inspect-image.js';
import { fillTree, lookInto, noise } from './everything.js';
import { copyOf, emptyFile, overwrite, run, workDirectory } from './images.js';
import { ACL, changeSuperblock, FEATURES_AT, fillLittle, LONGEST_LINK, setAttributes, SIZE, SMALL, UUID, written } from './xfs-images.js';

/** Everything that an xfs has forms for. */
function fillAll(directory: string): void {
  const at = (path: string): string => join(directory, path);
  const tool = (program: string, ...argv: string[]): unknown => execFileSync(program, argv, { stdio: 'pipe' });
  fillTree(directory, LONGEST_LINK);
  for (const [name, count] of [
    ['short', 3],
    ['single', 20],
    ['leaf', 200],
  ] as const) {
    mkdirSync(at(name));
    for (let index = 0; index < count; index++) writeFileSync(at(`${name}/a name ${index}`), '');
  }
  // They grow in turns, so that their blocks are far from each other.
  for (const name of ['one', 'other']) mkdirSync(at(name));
  for (let index = 0; index < 1500; index++)
    for (const name of ['one', 'other']) linkSync(at(`single/a name ${index % 20}`), at(`${name}/${'n'.repeat(200)} ${index}`));
  tool('fallocate', '--length', '1M', at('reserved'));
  overwrite(at('reserved'), 70_000, Buffer.from('written'));
  tool('fallocate', '--keep-size', '--length', '1M', at('empty'));
  const file = openSync(at('pieces'), 'w');
  for (let piece = 0; piece < 3000; piece++) writeSync(file, `piece ${piece}`, piece * 8192 + 5);
  closeSync(file);
  setAttributes(directory, 'large', [
    ...Array.from({ length: 400 }, (_none, index) => [`user.${index}`, noise(60)] as const),
    ['user.long', noise(65_536)],
    ['system.posix_acl_access', ACL],
  ]);
  const long = Array.from({ length: 30 }, (_none, index) => [`trusted.long ${index}`, noise(3000 + 500 * index)] as const);
  setAttributes(directory, 'sparse', long);
  for (let index = 0; index < 12; index++)
    for (const name of ['reserved', 'pieces']) tool('setfattr', '-n', `user.${index}`, '-v', 'v'.repeat(4000), at(name));
  setAttributes(directory, 'deep', [
    ['system.posix_acl_access', ACL],
    ['system.posix_acl_default', ACL],
  ]);
  utimesSync(at('noise'), new Date(-5000), new Date(-5000)); // of a negative number Node makes the time that it is
}

describe.each<[string, readonly string[], number?]>([
  ['what mkfs.xfs makes', []],
  ['small blocks, and who owns them', ['-b', 'size=1024', '-m', 'rmapbt=1']],
  ['blocks of names that consist of several, and large inodes', ['-n', 'size=65536', '-i', 'size=2048']],
  ['less features', ['-m', 'bigtime=0,inobtcount=0,reflink=0,finobt=0', '-i', 'sparse=0']],
  ['large sectors and counters', ['-s', 'size=4096', '-i', 'nrext64=1']],
  ['names of parents', ['-i', 'nrext64=1'], XFS_FEATURE.exchanges | XFS_FEATURE.parents],
])('an xfs of the kernel with %s', (_name, options, features = 0) => {
  it('is read as the kernel shows it: contents, links, holes, attributes, devices, times', async () => {
    const image = await written(options, fillAll, features);
    const seen = withoutShownAcls(await mounted(image, 'ro', look));
    expect(seen.length).toBeGreaterThan(4100);
    expect(await lookInto(image)).toEqual(seen);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'xfs', label: 'a label', id: UUID, sizeBytes: SIZE } }]);
      const files = filesystems.get(0)?.files;
      expect(await files?.find('/leaf/a name 150')).toMatchObject({ sizeBytes: 0 });
      expect(await files?.find('/leaf/none')).toBeUndefined();
    });
  });
});
it('has every form of what is read there', async () => {
  const image = await written([], fillAll);
  const field = async (path: string, ...commands: readonly string[]): Promise<string> => {
    const argv = [`path /${path}`, ...commands].flatMap((command) => ['-c', command]);
    return (await run('xfs_db', '-r', ...argv, image)).trim().replace(/^.* = /u, '');
  };
  const format = (path: string, fork = ''): Promise<string> => field(path, `p core.${fork}format`);
  // 32 GiB behind the names of a directory is what finds them by their hashes.
  const hashes = (path: string, kind: string): Promise<string> => field(path, `dblock ${2 ** 23}`, `p ${kind}.info.hdr.magic`);
  expect(await Promise.all(['short', 'single', 'one', 'large', 'pieces'].map((path) => format(path)))).toEqual([
    '1 (local)',
    '2 (extents)',
    '3 (btree)',
    '2 (extents)',
    '3 (btree)',
  ]);
  expect(await field('single', 'p core.size')).toBe('4096');
  expect([await hashes('leaf', 'lhdr'), await hashes('deep/er', 'nhdr')]).toEqual(['0x3df1', '0x3ebe']);
  expect(await field('pieces', 'p u3.bmbt.level')).toBe('2');
  expect(await Promise.all(['deep', 'noise', 'reserved'].map((path) => format(path, 'a')))).toEqual([
    '1 (local)',
    '2 (extents)',
    '3 (btree)',
  ]);
  expect(await field('large', 'ablock 0', 'p hdr.info.hdr.magic')).toBe('0x3ebe');
});

it.each<[string, readonly string[], (block: Buffer) => void]>([
  ['it is of version 4', ['-m', 'crc=0'], () => {}],
  ['files of it may lie on a realtime device', [], (block) => block.writeBigUInt64BE(1n, 16)],
  ['it has to be repaired first (needsrepair)', [], (block) => block.writeUInt32BE(0x1b, FEATURES_AT)],
  ['its metadata lies in directories (metadir)', [], (block) => block.writeUInt32BE(0x10b, FEATURES_AT)],
  ['its files lie in zones (zoned)', [], (block) => block.writeUInt32BE(0x20b, FEATURES_AT)],
  ['it has features that are not known here (0x80000400)', [], (block) => block.writeUInt32BE(0x8000_040b, FEATURES_AT)],
  ['its directories do not say what their names are (no ftype)', [], (block) => block.writeUInt32BE(0xa, FEATURES_AT)],
])('what is not read says why: %s', async (reason, options, change) => {
  const image = emptyFile(join(workDirectory(), 'image'), SIZE);
  await run('mkfs.xfs', '-q', '-K', '-L', 'a label', ...options, image);
  changeSuperblock(image, change);
  await withImage(image, async ({ report, filesystems }) => {
    expect(report.partitions[0]).toMatchObject({
      filesystem: { type: 'xfs', label: 'a label', sizeBytes: SIZE },
      problem: `files of this xfs are not read: ${reason}`,
    });
    expect(filesystems.get(0)?.files).toBeUndefined();
  });
});

it('is read with a UUID that was changed, and says that one', async () => {
  const image = await written([], (directory) => writeFileSync(join(directory, 'file'), 'text'));
  const other = randomUUID();
  await run('xfs_db', '-x', '-c', `uuid ${other}`, image);
  expect(await lookInto(image)).toEqual(await mounted(image, 'ro', look));
  await withImage(image, async ({ report }) => expect(report.partitions[0]).toMatchObject({ filesystem: { id: other } }));
});

it('no more space is free than there is, and a wrong checksum is told', async () => {
  const image = await written([], () => {});
  changeSuperblock(image, (block) => block.writeBigUInt64BE(2n ** 40n, 144));
  await withImage(image, async ({ report }) => {
    expect(report.partitions[0]).toMatchObject({ filesystem: { sizeBytes: SIZE, freeBytes: SIZE } });
    expect(report.partitions[0]).not.toHaveProperty('problem');
  });
  overwrite(image, 300, noise(8));
  await withImage(image, async ({ report }) => {
    expect(report.partitions[0]?.problem).toBe('the superblock of the xfs is damaged: its checksum is wrong');
  });
});

it('two images that differ by one file are told by its path', async () => {
  const a = await written(['--unsupported'], fillLittle, 0, SMALL);
  const b = copyOf(a, 'changed');
  expect(await compareImages(a, b, { times: true })).toMatchObject({ values: [], files: [], compared: [0], comparedBytes: [] });
  await mounted(b, 'rw', (directory) => overwrite(join(directory, 'single/name 7'), 500, Buffer.from('TEXT')));
  expect((await compareImages(a, b, { times: false })).files).toEqual([
    { partition: 0, path: '/single/name 7', change: 'changed', aspects: ['content'] },
  ]);
});

it.each<[string, readonly string[], string, number]>([
  ['went around', ['--unsupported'], 'rw', 1200],
  ['has long records', [], 'rw,logbsize=256k', 200],
  ['has records that are filled up', ['-l', 'su=65536'], 'rw', 200],
])('whether it was unmounted is told by its log, which %s', async (what, options, mount, files) => {
  const image = emptyFile(join(workDirectory(), 'image'), options.includes('--unsupported') ? SMALL : SIZE);
  await run('mkfs.xfs', '-q', '-K', ...options, image);
  const problemOf = (path: string): Promise<string | undefined> => withImage(path, async ({ report }) => report.partitions[0]?.problem);
  const pending = 'this xfs was not unmounted, and changes that are only in its log are not read';
  expect(await problemOf(image)).toBeUndefined();
  await mounted(image, mount, async (directory) => {
    for (let round = 0; round < 12; round++) {
      mkdirSync(join(directory, 'many'));
      for (let index = 0; index < files; index++) writeFileSync(join(directory, `many/${index}`), '');
      execFileSync('sync', ['--file-system', directory]);
      rmSync(join(directory, 'many'), { recursive: true });
    }
    execFileSync('sync', ['--file-system', directory]);
    expect(await problemOf(copyOf(image, 'mounted'))).toContain(pending);
  });
  expect(await problemOf(image)).toBeUndefined();
  expect(await mounted(`${image}.mounted`, 'rw', look)).toHaveLength(1);
  expect(await problemOf(`${image}.mounted`)).toBeUndefined();
  expect(await run('xfs_logprint', '-t', image)).toContain('<CLEAN>');
  // How often the log went around when the superblock went through it.
  const cycle = readFileSync(image).readUInt32BE(240);
  expect(cycle).toSatisfy((times: number) => (what === 'went around' ? times > 1 : times === 1));
});
