import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TreeRecord } from '@ict/plugin-api';
import { extSizeProblem } from '../src/ext4/geometry.js';
import type { Ext4Request } from '../src/ext4/write-ext4.js';
import { everything } from './support/everything.js';
import { check, write } from './support/ext4-images.js';
import { lookInto, madeInTwoOrders, run, settle } from './support/tree-images.js';
import { hostRecords, look, mounted } from '@ict/fixtures';
import { MIB } from './support/specs.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ict-ext4-test-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('writeExt4', () => {
  it('writes all that a tree can hold, and what a check, the kernel and mke2fs say agrees', async () => {
    const tree = await everything(join(base, 'everything'));
    const own = join(base, 'own');
    expect(await write(tree, own)).toEqual({ kind: 'written' });
    expect(await check(own)).toMatch(/^root: \d+\/4096 files/mu);
    const seen = await mounted(own, 'ro', look);
    expect(await lookInto(own)).toEqual(seen);
    expect(seen).toEqual(await look(tree));
    const reference = join(base, 'reference');
    await run('mke2fs', '-q', '-F', '-t', 'ext4', '-b', '4096', '-d', tree, reference, '64m');
    // mke2fs makes the root anew, as it is now.
    expect(seen.slice(1)).toEqual((await mounted(reference, 'ro', look)).slice(1));
  });

  it('stores neither holes nor blocks of zeros, and links and attributes where there is room', async () => {
    const tree = await everything(join(base, 'everything'));
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
    const [one, other] = await madeInTwoOrders(base, (tree, image, offsetBytes) =>
      write(tree, image, { offsetBytes, sizeBytes: 16 * MIB }),
    );
    expect(one).toBe(other);
  });

  it('can be written to by the kernel', async () => {
    const tree = await everything(join(base, 'everything'));
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
    const tree = await everything(join(base, 'everything'));
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
  const crowd = [top, record('/a'), ...Array.from({ length: 65_000 }, (_, index) => record(`/b${index}`, { hardlinkOf: '/a' }))];
  it.each<[string, Partial<Ext4Request>]>([
    ['a root that is no directory', { records: [top, record('/a')], root: '/a' }],
    ['a root that is not there', { records: [top], root: '/a' }],
    ['a lost+found that is no directory', { records: [top, record('/lost+found')] }],
    ['a file with 65,001 names', { records: crowd }],
    ['attributes of 5000 bytes', { records: [top, record('/a', { xattrs: { 'user.a': Buffer.alloc(5000).toString('base64') } })] }],
    ['attributes of another namespace', { records: [top, record('/a', { xattrs: { 'other.a': '' } })] }],
    ['an ACL of another version', { records: [top, record('/a', { xattrs: { 'system.posix_acl_access': 'AQAAAA==' } })] }],
  ])('writes nothing for %s', async (_what, changes) => {
    const image = join(base, 'image');
    expect(await write(base, image, { sizeBytes: 8 * MIB, ...changes })).toMatchObject({
      kind: 'refused',
      path: expect.stringMatching(/^\/(a|lost\+found)$/) as string,
    });
    expect(readFileSync(image).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    [65_536, 'too small'],
    [1 * MIB, undefined],
    [2 ** 44 - 4096, undefined],
    [2 ** 44, 'too large'],
  ])('can have %i bytes, or says why not', async (sizeBytes, problem) => {
    expect(extSizeProblem(sizeBytes)).toBe(problem);
    if (problem === 'too small') await expect(write(base, join(base, 'image'), { sizeBytes, records: [top] })).rejects.toThrow(RangeError);
  });

  it('has names and targets with U+FFFD as they are', async () => {
    const tree = join(base, 'odd');
    mkdirSync(tree);
    writeFileSync(join(tree, 'a\ufffd'), 'odd');
    symlinkSync('a\ufffd', join(tree, 'link'));
    settle(tree, await hostRecords(tree));
    const image = join(base, 'image');
    expect(await write(tree, image)).toEqual({ kind: 'written' });
    await check(image);
    expect(await mounted(image, 'ro', look)).toEqual(await look(tree));
  });
});
