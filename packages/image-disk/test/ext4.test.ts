import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packFiles } from '@ict/archive';
import type { TreeRecord } from '@ict/plugin-api';
import { MKE2FS_CONF } from '../src/filesystem-ext.js';
import { layOut } from '../src/ext4/geometry.js';
import { writeExt4, type Ext4Outcome, type Ext4Request } from '../src/ext4/write-ext4.js';
import { EPOCH, digestFile, execute } from './support/host-build.js';
import { hostRecords } from './support/host-records.js';
import { MIB } from './support/specs.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
const SEED = '11111111-2222-4333-8444-555555555555';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-ext4-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function run(program: string, ...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await execute(program, argv);
  expect([program, exitCode, exitCode === 0 ? '' : stdout + stderr]).toEqual([program, 0, '']);
  return stdout;
}

const check = (image: string): Promise<string> => run('e2fsck', '-fn', image);

/** An image of a host directory. */
async function write(tree: string, image: string, changes: Partial<Ext4Request> = {}): Promise<Ext4Outcome> {
  const { offsetBytes = 0, sizeBytes = 64 * MIB } = changes;
  writeFileSync(image, '');
  truncateSync(image, offsetBytes + sizeBytes);
  const records = changes.records ?? (await hostRecords(tree));
  const sizes = new Map(records.map(({ path, sizeBytes: bytes = 0 }) => [path, bytes]));
  const request = {
    ...{ uuid: UUID, hashSeed: SEED, label: 'root', epochSeconds: EPOCH, root: '/' },
    ...{ records, file: image, offsetBytes, sizeBytes, ...changes },
  };
  return writeExt4(request, (paths, target) =>
    packFiles(
      paths.map((path) => ({ path: join(tree, path), sizeBytes: sizes.get(path) as number })),
      target,
      new AbortController().signal,
    ),
  );
}

/** Runs `work` where the kernel shows a filesystem. */
async function mounted<T>(image: string, options: string, work: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(base, 'mount-'));
  await run('mount', '-o', `loop,${options}`, image, directory);
  try {
    return await work(directory);
  } finally {
    await run('umount', directory);
  }
}

/** All that can be seen of a directory: records, with digests of files and the number of their names. */
async function look(directory: string): Promise<readonly object[]> {
  const records = await hostRecords(directory);
  return records
    .filter(({ path }) => path !== '/lost+found')
    .map((record) => ({
      ...record,
      // A directory's size is its own affair.
      ...(record.type === 'file' && record.hardlinkOf === undefined ? { digest: digestFile(join(directory, record.path)) } : {}),
    }));
}

function settle(directory: string, records: readonly TreeRecord[], seconds = EPOCH - 100_000): void {
  for (const { path, type } of records.toReversed()) {
    if (type === 'symlink') lutimesSync(join(directory, path), seconds, seconds);
    else utimesSync(join(directory, path), seconds, seconds);
  }
}

/** A tree with one of everything that an ext4 can hold. */
async function everything(): Promise<string> {
  const tree = join(base, 'everything');
  const at = (path: string): string => join(tree, path);
  for (const path of ['', 'etc', 'usr', 'usr/bin', 'dev', 'deep', 'many', 'long', 'acl', 'acl/below']) mkdirSync(at(path));
  for (let depth = 'deep', level = 0; level < 12; level++) mkdirSync(at((depth = `${depth}/${level}`)));
  writeFileSync(at('etc/empty'), '');
  writeFileSync(at('etc/one'), 'x');
  writeFileSync(at('etc/block'), 'b'.repeat(4096));
  writeFileSync(at('etc/block-and-one'), 'c'.repeat(4097));
  writeFileSync(at('usr/bin/program'), Buffer.alloc(3 * MIB + 77, 'program'));
  chmodSync(at('usr/bin/program'), 0o6755);
  linkSync(at('usr/bin/program'), at('usr/bin/other-name'));
  linkSync(at('usr/bin/program'), at('etc/third-name'));
  for (const length of [1, 59, 60, 61, 4095]) symlinkSync('t'.repeat(length), at(`usr/link-${length}`));
  for (const [name, kind, numbers] of [
    ['null', 'c', ['1', '3']],
    ['new', 'b', ['259', '70000']],
    ['pipe', 'p', []],
  ] as const) {
    execFileSync('mknod', ['-m', '660', at(`dev/${name}`), kind, ...numbers]);
  }
  chownSync(at('etc/one'), 70_000, 4_000_000_000);
  chmodSync(at('etc'), 0o1777);
  for (let index = 0; index < 400; index++) writeFileSync(at(`many/file-with-a-rather-long-name-${index}`), `${index}`);
  for (let index = 0; index < 40; index++) mkdirSync(at(`long/${String(index).padStart(255, 'd')}`));
  const sparse = openSync(at('usr/sparse'), 'w');
  ftruncateSync(sparse, 64 * MIB);
  // So many pieces that the tree of extents has two levels below the inode.
  for (let piece = 0; piece < 1500; piece++) writeSync(sparse, 'data', piece * 2 * 4096 + 5);
  closeSync(sparse);
  const small = openSync(at('usr/zeros'), 'w');
  writeSync(small, Buffer.alloc(10 * 4096));
  closeSync(small);
  const attribute = (path: string, name: string, value: Buffer | string): Buffer =>
    execFileSync('setfattr', ['-h', '-n', name, '-v', `0s${Buffer.from(value as string).toString('base64')}`, at(path)]);
  attribute('etc/one', 'user.small', 'value');
  attribute('etc/one', 'user.empty', '');
  attribute('etc/block', 'user.large', 'l'.repeat(3000));
  attribute('etc/block', 'user.second', 's'.repeat(301));
  attribute('etc/block', 'trusted.third', 'third');
  attribute('usr/link-1', 'trusted.of-a-link', 'x');
  // cap_net_raw, permitted and effective.
  attribute('usr/bin/program', 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'));
  const entry = (tag: number, permissions: number, id = 0xffff_ffff): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16LE(tag);
    bytes.writeUInt16LE(permissions, 2);
    bytes.writeUInt32LE(id, 4);
    return bytes;
  };
  const acl = Buffer.concat([
    Buffer.from([2, 0, 0, 0]),
    ...[entry(1, 7), entry(2, 6, 1000), entry(2, 4, 100_000), entry(4, 5), entry(8, 4, 50), entry(16, 7), entry(32, 0)],
  ]);
  attribute('acl/below', 'system.posix_acl_access', acl);
  attribute('acl', 'system.posix_acl_default', acl);
  settle(tree, await hostRecords(tree));
  lutimesSync(at('usr/link-60'), new Date(-86_400_000), new Date(-86_400_000));
  utimesSync(at('etc/empty'), EPOCH - 1, EPOCH - 1);
  utimesSync(at('dev'), EPOCH - 5, EPOCH - 5);
  return tree;
}

describe('writeExt4', () => {
  it('writes all that a tree can hold, and what a check, the kernel and mke2fs say agrees', async () => {
    const tree = await everything();
    const own = join(base, 'own');
    expect(await write(tree, own)).toEqual({ kind: 'written' });
    expect(await check(own)).toMatch(/^root: \d+\/4096 files/mu);
    const seen = await mounted(own, 'ro', look);
    expect(seen).toEqual(await look(tree));
    const reference = join(base, 'reference');
    await run('mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-d', tree, reference, '64m');
    // mke2fs makes the root anew, as it is now.
    expect(seen.slice(1)).toEqual((await mounted(reference, 'ro', look)).slice(1));
  });

  it('stores neither holes nor blocks of zeros, and links and attributes where there is room', async () => {
    const tree = await everything();
    const own = join(base, 'own');
    await write(tree, own);
    const blocks = async (path: string): Promise<number> => {
      const count = /Blockcount: (\d+)/u.exec(await run('debugfs', '-R', `stat ${path}`, own))?.[1];
      return Number(count) / 8;
    };
    expect(await blocks('/usr/zeros')).toBe(0);
    expect(await blocks('/usr/sparse')).toBe(1500 + 5 + 1); // 340 pieces fit in a block of the tree, four of these in the inode
    expect(await blocks('/usr/link-59')).toBe(0);
    expect(await blocks('/usr/link-60')).toBe(1);
    expect(await blocks('/etc/one')).toBe(1);
    expect(await blocks('/etc/block')).toBe(2);
    expect(await run('debugfs', '-R', 'ea_get /etc/block user.second', own)).toContain('s'.repeat(301));
  });

  it('gives the same bytes whenever, wherever and in whichever order the tree was made', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `name-${(index * 7919) % 300}`);
    const digests: string[] = [];
    for (const [place, order] of [names, names.toReversed()].entries()) {
      const tree = join(base, `tree-${place}`);
      mkdirSync(tree, { mode: 0o755 });
      for (const name of order) writeFileSync(join(tree, name), name.repeat(50));
      settle(tree, await hostRecords(tree));
      const image = join(base, `image-${place}`);
      await write(tree, image, { offsetBytes: place * MIB, sizeBytes: 16 * MIB });
      writeFileSync(image, readFileSync(image).subarray(place * MIB));
      digests.push(digestFile(image));
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it('can be written to by the kernel', async () => {
    const tree = await everything();
    const own = join(base, 'own');
    await write(tree, own);
    await mounted(own, 'rw', (directory) => {
      const at = (path: string): string => join(directory, path);
      rmSync(at('many/file-with-a-rather-long-name-7'));
      rmSync(at('usr/sparse'));
      writeFileSync(at('usr/bin/program'), Buffer.alloc(5 * MIB, 'changed'));
      for (let index = 0; index < 600; index++) writeFileSync(at(`deep/${index}-new`), `${index}`);
      for (let index = 0; index < 100; index++) writeFileSync(at(`many/added-${index}`), `${index}`);
      writeFileSync(at('etc/one'), 'longer than before');
      execFileSync('setfattr', ['-n', 'user.another', '-v', 'v'.repeat(500), at('etc/one')]);
    });
    await check(own);
    const text = await mounted(own, 'ro', (directory) => readFileSync(join(directory, 'deep/599-new'), 'utf8'));
    expect(text).toBe('599');
  });

  it('grows', async () => {
    const tree = await everything();
    const own = join(base, 'own');
    await write(tree, own);
    const before = await mounted(own, 'ro', look);
    truncateSync(own, 700 * MIB);
    await run('resize2fs', own);
    await check(own);
    expect(await run('dumpe2fs', '-h', own)).toMatch(/^Block count:\s+179200$/mu);
    expect(await mounted(own, 'ro', look)).toEqual(before);
  });

  it('takes random trees as they are', async () => {
    const name = fc
      .string({ unit: fc.constantFrom(...'abc-._Zäß🙂'), minLength: 1, maxLength: 30 })
      .filter((text) => !/^\.\.?$/u.test(text));
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc
        .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9000 }))
        .map(([zeros, bytes]) => Buffer.concat([Buffer.alloc(bytes, 1), Buffer.alloc(zeros * 4096), Buffer.alloc(bytes, 2)])),
    );
    const entry = fc.record({ path: fc.array(name, { minLength: 1, maxLength: 4 }), content, mode: fc.integer({ min: 0, max: 0o7777 }) });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 30 }), async (entries) => {
        const tree = join(base, `random-${count++}`);
        mkdirSync(tree);
        for (const { path, content: bytes, mode } of entries) {
          try {
            mkdirSync(join(tree, ...path.slice(0, -1)), { recursive: true });
            writeFileSync(join(tree, ...path), bytes);
            chmodSync(join(tree, ...path), mode);
          } catch (error) {
            if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
          }
        }
        settle(tree, await hostRecords(tree));
        const image = join(base, 'random');
        expect(await write(tree, image, { sizeBytes: 8 * MIB })).toEqual({ kind: 'written' });
        await check(image);
        expect(await mounted(image, 'ro', look)).toEqual(await look(tree));
      }),
      { numRuns: 12 },
    );
  });

  it('says what it would take when files do not fit, and that suffices', async () => {
    const tree = join(base, 'big');
    mkdirSync(tree);
    for (let index = 0; index < 12; index++) writeFileSync(join(tree, `file${index}`), Buffer.alloc(MIB, index + 1));
    const image = join(base, 'image');
    const outcome = await write(tree, image, { sizeBytes: 12 * MIB });
    expect(outcome).toMatchObject({ kind: 'full', files: 14 });
    const { neededBytes } = outcome as { neededBytes: number };
    expect(neededBytes).toBeGreaterThan(12 * MIB);
    expect(await write(tree, image, { sizeBytes: Math.ceil(neededBytes * 1.1) })).toEqual({ kind: 'written' });
    await check(image);
  });

  it('says so when there are more files than inodes', async () => {
    const tree = join(base, 'crowd');
    mkdirSync(tree);
    for (let index = 0; index < 600; index++) writeFileSync(join(tree, `${index}`), '');
    expect(await write(tree, join(base, 'image'), { sizeBytes: 8 * MIB })).toMatchObject({ kind: 'full', neededBytes: 611 * 16384 });
  });

  const record = (path: string, changes: Partial<TreeRecord> = {}): TreeRecord => ({
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0 },
    ...changes,
  });
  const top = record('/', { type: 'directory', mode: 0o755 });
  it.each<[string, Partial<Ext4Request>]>([
    ['a root that is no directory', { records: [top, record('/a')], root: '/a' }],
    ['a root that is not there', { records: [top], root: '/a' }],
    ['a lost+found that is no directory', { records: [top, record('/lost+found')] }],
    ['names that records cannot show', { records: [top, record('/a\ufffd')] }],
    ['targets that records cannot show', { records: [top, record('/a', { type: 'symlink', linkTarget: '\ufffd' })] }],
    ['attributes of 5000 bytes', { records: [top, record('/a', { xattrs: { 'user.a': Buffer.alloc(5000).toString('base64') } })] }],
    ['attributes of another namespace', { records: [top, record('/a', { xattrs: { 'other.a': '' } })] }],
    ['an ACL of another version', { records: [top, record('/a', { xattrs: { 'system.posix_acl_access': 'AQAAAA==' } })] }],
    ['hardly any room', { records: [top], sizeBytes: 65536 }],
  ])('writes nothing for %s', async (_what, changes) => {
    const image = join(base, 'image');
    expect(await write(base, image, { sizeBytes: 8 * MIB, ...changes })).toMatchObject({ kind: 'unsuited' });
    expect(readFileSync(image).every((byte) => byte === 0)).toBe(true);
  });
});

describe('layOut', () => {
  it.each([4, 9, 127, 128, 520, 1024, 4100, 20_000, 70_000])('divides %i MiB as mke2fs does', async (mib) => {
    const image = join(base, 'image');
    const configuration = join(base, 'mke2fs.conf');
    writeFileSync(configuration, MKE2FS_CONF);
    const argv = ['-q', '-F', '-t', 'ext4', '-E', 'lazy_itable_init=1,nodiscard', image, `${mib}m`];
    const { stderr } = await execute('mke2fs', argv, { PATH: '/usr/sbin:/sbin', MKE2FS_CONFIG: configuration });
    expect(stderr).not.toMatch(/^mke2fs: /mu);
    const text = await run('dumpe2fs', '-h', image);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(text)?.[1] ?? 0);
    const geometry = layOut(mib * 256);
    expect(geometry).toMatchObject({
      blocks: field('Block count'),
      inodes: field('Inode count'),
      inodesPerGroup: field('Inodes per group'),
      reservedDescriptorBlocks: field('Reserved GDT blocks'),
      journalBlocks: field('Total journal blocks'),
    });
  });

  it.each([129, 130, 2048 + 1, 2048 + 40, 3400])('makes a sound filesystem of %i MiB, whose last groups are odd', async (mib) => {
    const image = join(base, 'image');
    expect(await write(base, image, { records: [], sizeBytes: mib * MIB })).toEqual({ kind: 'written' });
    expect(await check(image)).toContain('root: 11/');
  });

  it('leaves blocks free that nothing else has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (blocks) => {
        const geometry = layOut(blocks);
        if (geometry === undefined) return blocks < 4096;
        const ends = geometry.free.map(({ at, count }) => [at, at + count] as const);
        const ordered = ends.every(([start, end], index) => start < end && (index === 0 || start > (ends[index - 1]?.[1] as number)));
        return ordered && (ends.at(-1)?.[1] as number) <= geometry.blocks && blocks - geometry.blocks < 40_000;
      }),
      { numRuns: 60 },
    );
  });
});
