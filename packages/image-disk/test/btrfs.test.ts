import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  closeSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TreeRecord } from '@ict/plugin-api';
import { hostRecords, look, mounted } from '@ict/fixtures';
import { checkBtrfs, writeBtrfsOf } from './support/btrfs-images.js';
import { everything } from './support/everything.js';
import { lookInto, madeInTwoOrders, run, settle } from './support/tree-images.js';
import { MIB } from './support/specs.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-btrfs-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('writeBtrfs', () => {
  it('writes all that a tree can hold, and a check and the kernel agree', async () => {
    const tree = await everything(join(base, 'everything'));
    const own = join(base, 'own');
    expect(await writeBtrfsOf(tree, own)).toEqual({ kind: 'written' });
    expect(await checkBtrfs(own)).toContain('no error found');
    const seen = await look(tree);
    expect(await mounted(own, 'ro', look)).toEqual(seen);
    expect(await lookInto(own)).toEqual(seen);
    expect(await run('blkid', '-p', '-o', 'export', own)).toMatch(/^LABEL=root$[^]*^UUID=6a7b8c9d-0e1f-4213-9425-364758697a8b$/mu);
  });

  it('stores neither holes nor blocks of zeros', async () => {
    const tree = await everything(join(base, 'everything'));
    const own = join(base, 'own');
    await writeBtrfsOf(tree, own);
    const blocks = await mounted(own, 'ro', (directory) =>
      ['zeros', 'sparse'].map((name) => Number(execFileSync('stat', ['-c', '%b', join(directory, 'usr', name)], { encoding: 'utf8' })) / 8),
    );
    expect(blocks).toEqual([0, 1500]);
  });

  it('gives the same bytes whenever, wherever and in whichever order the tree was made', async () => {
    const [one, other] = await madeInTwoOrders(base, (tree, image, offsetBytes) =>
      writeBtrfsOf(tree, image, { offsetBytes, sizeBytes: 128 * MIB }),
    );
    expect(one).toBe(other);
  });

  it('can be written to by the kernel, and grows', async () => {
    const tree = await everything(join(base, 'everything'));
    const own = join(base, 'own');
    await writeBtrfsOf(tree, own);
    truncateSync(own, 700 * MIB);
    await mounted(own, 'rw', async (directory) => {
      const at = (path: string): string => join(directory, path);
      await run('btrfs', 'filesystem', 'resize', 'max', directory);
      rmSync(at('many/file-with-a-rather-long-name-7'));
      rmSync(at('usr/sparse'));
      writeFileSync(at('usr/bin/program'), Buffer.alloc(300 * MIB, 'changed'));
      for (let index = 0; index < 600; index++) writeFileSync(at(`deep/${index}-new`), `${index}`);
      execFileSync('setfattr', ['-n', 'user.another', '-v', 'v'.repeat(500), at('etc/one')]);
      await run('btrfs', 'subvolume', 'snapshot', directory, at('snapshot'));
    });
    await checkBtrfs(own);
    const text = await mounted(own, 'ro', (directory) => readFileSync(join(directory, 'snapshot/deep/599-new'), 'utf8'));
    expect(text).toBe('599');
  });

  it('has contents around the second superblock', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    const random = Buffer.alloc(16 * MIB, execFileSync('head', ['-c', '100003', '/dev/urandom']));
    for (let index = 0; index < 6; index++) writeFileSync(join(tree, `${index}`), random);
    settle(tree, await hostRecords(tree));
    const own = join(base, 'own');
    expect(await writeBtrfsOf(tree, own, { sizeBytes: 200 * MIB })).toEqual({ kind: 'written' });
    await checkBtrfs(own);
    expect(await mounted(own, 'ro', look)).toEqual(await look(tree));
    // The copy of the superblock names its own place.
    const copy = Buffer.alloc(8);
    const file = openSync(own, 'r');
    readSync(file, copy, 0, 8, 64 * MIB + 48);
    closeSync(file);
    expect(Number(copy.readBigUInt64LE())).toBe(64 * MIB);
  });

  it('puts trees of many files around the second superblock', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'large'), Buffer.alloc(45 * MIB, 'large'));
    const [root, large] = (await hostRecords(tree)) as [TreeRecord, TreeRecord];
    const many = Array.from(
      { length: 40_000 },
      (_, index): TreeRecord => ({ ...large, path: `/m-${index}-${'x'.repeat(100)}`, sizeBytes: 0 }),
    );
    const own = join(base, 'own');
    expect(await writeBtrfsOf(tree, own, { sizeBytes: 300 * MIB, records: [root, large, ...many] })).toEqual({ kind: 'written' });
    await checkBtrfs(own);
    expect(await mounted(own, 'ro', (directory) => readdirSync(directory).length)).toBe(40_001);
  });

  it('says how large it has to be for what does not fit', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'large'), Buffer.alloc(150 * MIB, 'large'));
    const own = join(base, 'own');
    const outcome = await writeBtrfsOf(tree, own, { sizeBytes: 128 * MIB });
    expect(outcome).toMatchObject({ kind: 'full', files: 2 });
    const neededBytes = outcome.kind === 'full' ? outcome.neededBytes : 0;
    expect(await writeBtrfsOf(tree, own, { sizeBytes: neededBytes + 4 * MIB })).toEqual({ kind: 'written' });
    await checkBtrfs(own);
  });

  it('refuses attributes that are larger than a block of a tree', async () => {
    const tree = join(base, 'tree');
    mkdirSync(tree);
    const records = (await hostRecords(tree)).map((record) => ({
      ...record,
      xattrs: { 'user.large': Buffer.alloc(16_300).toString('base64') },
    }));
    expect(await writeBtrfsOf(tree, join(base, 'own'), { records })).toMatchObject({ kind: 'refused', path: '/' });
  });
});
