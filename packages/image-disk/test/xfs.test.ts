import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILD_EPOCH, digestFile, hostRecords, look, mounted, withoutShownAcls } from '@ict/fixtures';
import { uuidBytes } from '@ict/image-parts';
import { withImage } from '@ict/inspect';
import type { TreePath, TreeRecord } from '@ict/plugin-api';
import { blocksOf, FreeBlocks } from '../src/free-blocks.js';
import { encodeByteBlocks } from '../src/xfs/byte-blocks.js';
import { mapExtents } from '../src/xfs/extent-map.js';
import { inodeNumber, layOut, type Geometry } from '../src/xfs/geometry.js';
import { nameHash } from '../src/xfs/name-hash.js';
import { everything } from './support/everything.js';
import { lookInto, madeInTwoOrders, run, settle } from './support/tree-images.js';
import { MIB } from './support/specs.js';
import { checkXfs, LONGEST_LINK, writeXfsOf } from './support/xfs-images.js';

const BLOCK = 4096;
const UUID = uuidBytes('6a7b8c9d-0e1f-4213-9425-364758697a8b');
const SIZE = 300 * MIB;
const RECORD = { uid: 0, gid: 0, mtimeSeconds: BUILD_EPOCH - 1 } as const;
const ROOT: TreeRecord = { ...RECORD, path: '/', type: 'directory', mode: 0o755 };

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-xfs-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** An image of these records, none of which has content; it is sound. */
async function imageOf(records: readonly TreeRecord[], name = 'own', sizeBytes = SIZE): Promise<string> {
  const own = join(base, name);
  expect(await writeXfsOf(base, own, { records, sizeBytes })).toEqual({ kind: 'written' });
  await checkXfs(own);
  return own;
}

const emptyFile = (path: TreePath, changes: Partial<TreeRecord> = {}): TreeRecord => ({
  ...RECORD,
  ...{ path, type: 'file', mode: 0o644, sizeBytes: 0, ...changes },
});

describe('writeXfs', () => {
  it('writes all that a tree can hold, and a check and the kernel agree', async () => {
    const tree = await everything(join(base, 'everything'), LONGEST_LINK);
    const own = join(base, 'own');
    expect(await writeXfsOf(tree, own)).toEqual({ kind: 'written' });
    await checkXfs(own);
    const seen = withoutShownAcls(await mounted(own, 'ro', look));
    expect(seen).toEqual(await look(tree));
    expect(await lookInto(own)).toEqual(seen);
    // Its log says that it was unmounted.
    expect(await withImage(own, async ({ report }) => report.partitions)).toEqual([
      expect.not.objectContaining({ problem: expect.anything() as unknown }),
    ]);
    expect(await run('blkid', '-p', '-o', 'export', own)).toMatch(/^LABEL=root$[^]*^UUID=6a7b8c9d-0e1f-4213-9425-364758697a8b$/mu);
    // GRUB reads names, links and contents.
    expect((await run('grub-fstest', own, 'ls', '/many')).trim().split(/\s+/u)).toHaveLength(400);
    expect(await run('grub-fstest', own, 'cmp', '/usr/bin/program', join(tree, 'usr/bin/program'))).toBe('');
    expect(await run('grub-fstest', own, 'cmp', '/usr/sparse', join(tree, 'usr/sparse'))).toBe('');
  });

  it('stores neither holes nor blocks of zeros', async () => {
    const tree = await everything(join(base, 'everything'), LONGEST_LINK);
    const own = join(base, 'own');
    await writeXfsOf(tree, own);
    const blocks = await mounted(own, 'ro', (directory) =>
      ['zeros', 'sparse'].map((name) => Number(execFileSync('stat', ['-c', '%b', join(directory, 'usr', name)], { encoding: 'utf8' })) / 8),
    );
    // 1500 pieces, and 6 blocks that tell where they are.
    expect(blocks).toEqual([0, 1506]);
  });

  it('gives the same bytes whenever, wherever and in whichever order the tree was made', async () => {
    const [one, other] = await madeInTwoOrders(base, (tree, image, offsetBytes) =>
      writeXfsOf(tree, image, { offsetBytes, sizeBytes: SIZE }),
    );
    expect(one).toBe(other);
  });

  it('can be written to by the kernel, and grows', async () => {
    const tree = await everything(join(base, 'everything'), LONGEST_LINK);
    const own = join(base, 'own');
    await writeXfsOf(tree, own);
    truncateSync(own, 1000 * MIB);
    await mounted(own, 'rw', async (directory, mounts) => {
      const at = (path: string): string => join(directory, path);
      await run(...mounts.inside('sh', '-c', 'xfs_growfs "$1"/mount-*', 'sh', base));
      rmSync(at('many/file-with-a-rather-long-name-7'));
      rmSync(at('usr/sparse'));
      writeFileSync(at('usr/bin/program'), Buffer.alloc(300 * MIB, 'changed'));
      for (let index = 0; index < 2000; index++) writeFileSync(at(`deep/${index}-new`), `${index}`);
      for (let index = 0; index < 60; index++) mkdirSync(at(`long/${index}-new`));
      await run('cp', '--reflink=always', at('usr/bin/program'), at('usr/bin/same'));
      execFileSync('setfattr', ['-n', 'user.another', '-v', 'v'.repeat(500), at('etc/one')]);
    });
    await checkXfs(own);
    expect(await mounted(own, 'ro', (directory) => readFileSync(join(directory, 'deep/1999-new'), 'utf8'))).toBe('1999');
  });

  it('can be mounted from a device that cannot be written to', async () => {
    const own = await imageOf([ROOT, emptyFile('/file')]);
    const before = digestFile(own);
    expect(await mounted(own, 'ro', (directory) => readdirSync(directory))).toEqual(['file']);
    expect(digestFile(own)).toBe(before);
  });

  it.each([
    ['two groups', 300],
    ['two large groups', 2048],
    ['four groups', 20_480],
    ['a log that is longer', 400_000],
    ['inodes that may take less of it', 1_300_000],
  ])('has the features and sizes that mkfs.xfs gives to %s', async (_what, mebibytes) => {
    const own = join(base, 'own');
    await writeXfsOf(base, own, { records: [ROOT], sizeBytes: mebibytes * MIB });
    const made = join(base, 'made');
    writeFileSync(made, '');
    truncateSync(made, mebibytes * MIB);
    const fields = async (image: string): Promise<readonly string[]> => {
      const lines = (await run('xfs_db', '-r', '-c', 'sb 0', '-c', 'print', image)).trim().split('\n');
      return lines.filter((line) => !/^(?:uuid|fname|crc|logstart) =/u.test(line));
    };
    const groups = mebibytes < 8192 ? 2 : 4;
    await run('mkfs.xfs', '-q', '-K', '-d', `agcount=${groups}`, made);
    expect(await fields(own)).toEqual(await fields(made));
  });

  it('finds names in directories of every size', async () => {
    // In the inode, in one block, with one block of hashes, and with trees of them: at each border.
    const sizes = [
      0, 1, 12, 13, 14, 15, 20, 60, 100, 124, 125, 126, 127, 400, 480, 490, 491, 492, 493, 494, 495, 500, 501, 502, 503, 504, 1006,
    ];
    const directories = sizes.flatMap((size, index): TreeRecord[] => [
      { ...RECORD, path: `/${index}`, type: 'directory', mode: 0o755 },
      ...Array.from({ length: size }, (_, name) => emptyFile(`/${index}/entry-${name}`)),
    ]);
    const own = await imageOf([ROOT, ...directories]);
    const found = await mounted(own, 'ro', hostRecords);
    expect(found.map(({ path }) => path).sort()).toEqual(['/', ...directories.map(({ path }) => path)].sort());
  });

  it('finds 60,000 names in one directory, and the inodes of all', async () => {
    // More blocks of names than one block tells what is free of.
    const long = Array.from({ length: 30_000 }, (_, index) => emptyFile(`/${String(index).padStart(255, 'long')}`));
    const short = Array.from({ length: 30_000 }, (_, index) => emptyFile(`/name-${index}`, { uid: index }));
    const own = await imageOf([ROOT, ...long, ...short], 'own', 400 * MIB);
    await mounted(own, 'rw', async (directory) => {
      const names = readdirSync(directory);
      expect(names).toHaveLength(60_000);
      expect(new Set(names)).toEqual(new Set([...long, ...short].map(({ path }) => path.slice(1))));
      const owners = await run('stat', '-c', '%u', ...[3, 15_000, 29_999].map((index) => join(directory, `name-${index}`)));
      expect(owners).toBe('3\n15000\n29999\n');
      for (let index = 0; index < 500; index++) rmSync(join(directory, `name-${index * 7}`));
      for (let index = 0; index < 500; index++) writeFileSync(join(directory, `new-${index}`), '');
    });
    await checkXfs(own);
  });

  it('finds the pieces of files by trees of two levels, also beside attributes', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    for (const name of ['alone', 'beside']) {
      const file = openSync(join(tree, name), 'w');
      for (let piece = 0; piece < 6000; piece++) writeSync(file, `${name} ${piece}`, piece * 2 * BLOCK);
      ftruncateSync(file, 6000 * 2 * BLOCK);
      closeSync(file);
    }
    execFileSync('setfattr', ['-n', 'user.beside', '-v', 'v'.repeat(250), join(tree, 'beside')]);
    settle(tree, await hostRecords(tree));
    const own = join(base, 'own');
    expect(await writeXfsOf(tree, own)).toEqual({ kind: 'written' });
    await checkXfs(own);
    expect(await mounted(own, 'ro', look)).toEqual(await look(tree));
  });

  it('keeps attributes in the inode, in a block, and in blocks of their own', async () => {
    const value = (bytes: number): string => Buffer.alloc(bytes, 'value').toString('base64');
    const sizes = [0, 200, 255, 256, 300, 3000, 3058, 3059, 3070, 4040, 4041, 65_536];
    const files = sizes.flatMap((size, index) => [
      emptyFile(`/file-${index}`, { xattrs: { 'user.value': value(size), 'trusted.x': value(1), 'security.y': value(40) } }),
      emptyFile(`/pipe-${index}`, { type: 'fifo', xattrs: { 'trusted.value': value(size) } }),
      { ...RECORD, path: `/directory-${index}`, type: 'directory', mode: 0o700, xattrs: { 'user.value': value(size) } } as const,
      {
        ...RECORD,
        path: `/link-${index}`,
        type: 'symlink',
        mode: 0o777,
        linkTarget: 't'.repeat(250),
        xattrs: { 'trusted.v': value(size) },
      } as const,
    ]);
    const records = [ROOT, ...files.map((record) => (record.type === 'fifo' ? { ...record, sizeBytes: undefined } : record) as TreeRecord)];
    const own = await imageOf(records);
    const found = await mounted(own, 'ro', hostRecords);
    const shown = new Map(found.map(({ path, xattrs }) => [path, xattrs]));
    expect(records.filter(({ path, xattrs }) => JSON.stringify(sorted(shown.get(path))) !== JSON.stringify(sorted(xattrs)))).toEqual([]);
  });

  it('holds any tree', async () => {
    const tree = fc.array(
      fc.record({
        parent: fc.nat(),
        name: fc.oneof(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }), fc.stringMatching(/^[a-z]{60,255}$/u)),
        type: fc.constantFrom('file', 'directory', 'symlink', 'character', 'block', 'fifo', 'socket', 'link'),
        mode: fc.nat({ max: 0o7777 }),
        uid: fc.nat({ max: 4_000_000_000 }),
        target: fc.stringMatching(/^[a-z/]{1,900}$/u),
        xattrs: fc.dictionary(fc.stringMatching(/^[a-z]{1,200}$/u), fc.uint8Array({ maxLength: 700 }), { maxKeys: 4 }),
        numbers: fc.tuple(fc.nat({ max: 511 }), fc.nat({ max: 2 ** 18 - 1 })),
      }),
      { minLength: 150, maxLength: 300 },
    );
    const drawn = fc.sample(tree, { numRuns: 6, seed: 217 });
    for (const [index, entries] of drawn.entries()) {
      const records = recordsOf(entries);
      const own = await imageOf(records, `own-${index}`);
      const found = await mounted(own, 'ro', hostRecords);
      expect(comparable(found)).toEqual(comparable(records));
      const sockets = await mounted(own, 'ro', (directory) => run('find', directory, '-type', 's', '-printf', '.'));
      expect(sockets).toHaveLength(records.filter(({ type }) => type === 'socket').length);
      rmSync(own);
    }
  }, 120_000);

  it('takes what fits to the last block, and nothing more', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    const own = join(base, 'own');
    const fill = async (blocks: number) => {
      writeFileSync(join(tree, 'large'), Buffer.alloc(blocks * BLOCK, 'large'));
      return writeXfsOf(tree, own);
    };
    const least = await fill(SIZE / BLOCK);
    const lacking = least.kind === 'full' ? least.neededBytes / BLOCK - SIZE / BLOCK : 0;
    const most = SIZE / BLOCK - lacking;
    const tooMuch = await fill(most + 1);
    expect(tooMuch).toEqual({ kind: 'full', neededBytes: SIZE + BLOCK, files: 2 });
    expect(await fill(most)).toEqual({ kind: 'written' });
    await checkXfs(own);
    await mounted(own, 'rw', (directory) => rmSync(join(directory, 'large')));
    await checkXfs(own);
    expect(await writeXfsOf(tree, own, { sizeBytes: SIZE + BLOCK * 2 })).toEqual({ kind: 'written' });
  });

  it('says how large it has to be for directories that do not fit', async () => {
    const path = (index: number): TreePath => `/${String(index).padStart(200, 'directory')}`;
    const attribute = { 'user.large': large(65_536) };
    const many = Array.from({ length: 4000 }, (_, index) => emptyFile(path(index), { xattrs: attribute }));
    const outcome = await writeXfsOf(base, join(base, 'own'), { records: [ROOT, ...many] });
    expect(outcome).toMatchObject({ kind: 'full', files: 4001 });
    expect(outcome.kind === 'full' && outcome.neededBytes).toBeGreaterThan(4000 * 65_536);
  });

  it('says how large it has to be at once, where inodes alone do not fit', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'large'), Buffer.alloc(100 * MIB, 'large'));
    const [root, content] = (await hostRecords(tree)) as [TreeRecord, TreeRecord];
    const many = Array.from({ length: 700_000 }, (_, index) => emptyFile(`/name-${index}`));
    const records = [root, content, ...many];
    const outcome = await writeXfsOf(tree, join(base, 'own'), { records });
    expect(outcome).toMatchObject({ kind: 'full', files: 700_002 });
    const neededBlocks = outcome.kind === 'full' ? outcome.neededBytes / BLOCK : 0;
    // A block has 168 of the longest names, or 504 hashes.
    const blocks = (100 * MIB) / BLOCK + Math.ceil(700_000 / 168) + Math.ceil(700_000 / 504);
    const free = blocksOf(layOut(neededBlocks, 700_004).free);
    expect(free - blocks).toSatisfy((spare: number) => spare > 0 && spare < 200);
  });

  it.each<[string, Partial<TreeRecord>, string]>([
    ['attributes that do not fit in a block', { xattrs: { 'user.a': large(3000), 'user.b': large(2000) } }, 'has extended attributes'],
    ['attributes of another kind', { xattrs: { 'system.other': large(3) } }, 'has extended attributes'],
    ['what calls itself an ACL', { xattrs: { 'system.posix_acl_access': large(3) } }, 'has extended attributes'],
    ['a long link', { type: 'symlink', linkTarget: 't'.repeat(1024) }, 'is a link to a path of more than 1023 bytes'],
    ['a device', { type: 'character', dev: { major: 1, minor: 2 ** 18 } }, 'is a device whose number is too large'],
  ])('refuses %s', async (_what, changes, reason) => {
    const records = [ROOT, emptyFile('/file', changes)];
    expect(await writeXfsOf(base, join(base, 'own'), { records })).toEqual({
      kind: 'refused',
      path: '/file',
      reason: expect.stringContaining(reason),
    });
  });
});

function large(bytes: number): string {
  return Buffer.alloc(bytes).toString('base64');
}

const sorted = (xattrs: Readonly<Record<string, string>> = {}): [string, string][] => Object.entries(xattrs).sort();

interface DrawnEntry {
  readonly parent: number;
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly target: string;
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
  readonly numbers: readonly [number, number];
}

/** Records of a tree: each entry is in one of the directories before it, unless its name is there. */
function recordsOf(entries: readonly DrawnEntry[]): TreeRecord[] {
  const records: TreeRecord[] = [ROOT];
  const taken = new Set<string>();
  for (const { parent, name, type, mode, uid, target, xattrs, numbers } of entries) {
    const directories = records.filter((record) => record.type === 'directory');
    const { path: above } = directories[parent % directories.length] as TreeRecord;
    const clean = Buffer.from(name.replaceAll(/[/\0.]/gu, '_'))
      .subarray(0, 255)
      .toString()
      .replaceAll('\uFFFD', '');
    const path: TreePath = `${above === '/' ? '' : above}/${clean}`;
    if (clean === '' || taken.has(path)) continue;
    taken.add(path);
    const files = records.filter((record) => record.type === 'file' && record.hardlinkOf === undefined);
    const attributes = Object.entries(xattrs).map(([key, value]) => [`trusted.${key}`, Buffer.from(value).toString('base64')]);
    const own = {
      ...RECORD,
      path,
      mode,
      uid,
      ...(attributes.length === 0 ? {} : { xattrs: Object.fromEntries(attributes) as Record<string, string> }),
    };
    if (type === 'link') {
      const file = files[parent % Math.max(1, files.length)];
      if (file !== undefined) records.push({ ...file, path, hardlinkOf: file.path });
    } else if (type === 'symlink') records.push({ ...own, type, mode: 0o777, linkTarget: target });
    else if (type === 'file') records.push({ ...own, type, sizeBytes: 0 });
    else if (type === 'character' || type === 'block') records.push({ ...own, type, dev: { major: numbers[0], minor: numbers[1] } });
    else records.push({ ...own, type: type as 'directory' | 'fifo' | 'socket' });
  }
  return records;
}

/** What is to be seen of a tree, but for sockets, and without what depends on which name of a file is met first. */
function comparable(records: readonly TreeRecord[]): readonly object[] {
  const attributes = new Map(records.map(({ path, xattrs }) => [path, sorted(xattrs)]));
  return records
    .filter(({ type }) => type !== 'socket')
    .map(({ path, type, mode, uid, gid, mtimeSeconds, linkTarget, dev, hardlinkOf }) => {
      return { path, type, mode, uid, gid, mtimeSeconds, linkTarget, dev, xattrs: attributes.get(hardlinkOf ?? path) };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

describe('layOut', () => {
  it('puts inodes that do not fit in a group into the next one', () => {
    const geometry = layOut(SIZE / BLOCK, 400_000);
    const [first, second] = geometry.groups as [Geometry['groups'][0], Geometry['groups'][0]];
    expect([first.chunks + second.chunks, second.firstChunk]).toEqual([Math.ceil(400_000 / 64), first.chunks]);
    expect(inodeNumber(geometry, 0)).toBe(128);
    expect(inodeNumber(geometry, first.chunks * 64)).toBe(2 ** geometry.groupBits * 8 + 128);
    expect(geometry.logAt).toBeGreaterThan(second.start + 16 + second.chunks * 8);
  });

  it('tells how many blocks are lacking for inodes that do not fit', () => {
    const { lackingBlocks, free } = layOut(SIZE / BLOCK, 700_000);
    expect(lackingBlocks).toSatisfy((blocks: number) => blocks > 20_000 && blocks < 40_000);
    expect(free).toEqual([]);
  });

  it('refuses sizes that no xfs has here', () => {
    expect(() => layOut(SIZE / BLOCK - 1, 1)).toThrow(RangeError);
    expect(() => layOut(2 ** 32 + 1, 1)).toThrow(RangeError);
  });

  it('has few groups, none of 1 TiB', () => {
    const groups = [300, 2048, 8192, 12_287, 12_288, 16_383, 16_384, 4 * MIB - 2, 4 * MIB, 16 * MIB].map(
      (mebibytes) => layOut(mebibytes * 256, 1).groups.length,
    );
    expect(groups).toEqual([2, 2, 2, 2, 3, 3, 4, 4, 5, 17]);
  });
});

describe('mapExtents', () => {
  it('cuts what is longer than a record tells, which takes 21 bits', () => {
    const geometry = layOut(2 ** 31, 1);
    const place = { geometry, free: new FreeBlocks(geometry.free), uuid: UUID };
    const { content, extents, blocks } = mapExtents([{ first: 7, at: geometry.groupBlocks + 100, count: 2 ** 22 }], 336, 131, place)!;
    const records = [0, 16, 32].map((at) => [content.readBigUInt64BE(at) >> 9n, content.readBigUInt64BE(at + 8)]);
    const most = 2n ** 21n - 1n;
    const record = (done: bigint, count: bigint) => [7n + done, ((BigInt(2 ** geometry.groupBits) + 100n + done) << 21n) | count];
    expect(records).toEqual([record(0n, most), record(most, most), record(2n * most, 2n)]);
    expect([extents, blocks]).toEqual([3, []]);
  });
});

describe('encodeByteBlocks', () => {
  it.each([
    ['value', 2n ** 64n - 1n],
    ['target', 0n],
  ] as const)('says of %s where it is in the log as the kernel does', (kind, number) => {
    const identity = { owner: 131, uuid: UUID };
    const blocks = encodeByteBlocks(Buffer.alloc(BLOCK, 1), kind, [100, 101], identity);
    expect(blocks.map((bytes) => bytes.readBigUInt64BE(48))).toEqual([number, number]);
  });
});

describe('nameHash', () => {
  it('is that of xfs_db', async () => {
    const names = ['.', '..', 'abc', 'four', 'name-12345', 'a-name-that-is-longer-than-others', 'ü'];
    const own = await imageOf([ROOT]);
    const printed = await Promise.all(names.map((name) => run('xfs_db', '-r', '-c', `hash ${name}`, own)));
    expect(names.map((name) => nameHash(Buffer.from(name)))).toEqual(printed.map(Number));
  });
});
