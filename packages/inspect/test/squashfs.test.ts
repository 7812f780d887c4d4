import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { look, mounted } from '@ict/fixtures';
import type { TreeRecord } from '@ict/plugin-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSquashfs } from '../src/filesystems/squashfs/open-squashfs.js';
import { withImage } from '../src/inspect-image.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { fillTree, lookInto, noise } from './everything.js';
import { copyOf, overwrite, run, workDirectory } from './images.js';

const PLAIN = ['-noI', '-noD', '-noF', '-noX'];

async function imageOf(tree: string, ...options: readonly string[]): Promise<string> {
  const image = join(workDirectory(), 'image');
  await run('mksquashfs', tree, image, '-noappend', '-no-progress', '-quiet', '-exit-on-error', ...options);
  return image;
}

/** A tree with everything, and what it is. */
let all: string;
let seen: readonly TreeRecord[];
beforeAll(async () => {
  all = mkdtempSync(join(tmpdir(), 'ict-inspect-'));
  fillTree(all);
  chmodSync(all, 0o751);
  seen = await look(all);
});
afterAll(() => rmSync(all, { recursive: true }));

describe.each([
  ['gzip', ['-comp', 'gzip']],
  ['xz', ['-comp', 'xz', '-b', '64K']],
  ['lz4', ['-comp', 'lz4', '-Xhc']],
  ['zstd', ['-comp', 'zstd', '-Xcompression-level', '3', '-b', '128K']],
  ['large blocks', ['-comp', 'zstd', '-b', '1M']],
  ['nothing compressed', PLAIN],
  ['small blocks, and no fragments', ['-b', '4K', '-no-fragments']],
  ['the ends of all files in fragments', ['-always-use-fragments', '-no-exports']],
])('a squashfs with %s', (_name, options) => {
  it('is read as the kernel shows it: contents, links, holes, attributes, devices, owners, times', async () => {
    const image = await imageOf(all, ...options);
    const read = await lookInto(image);
    expect(read).toEqual(seen);
    expect(read).toEqual(await mounted(image, 'ro', look));
    expect(read.length).toBeGreaterThan(915);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'squashfs' } }]);
      expect(await filesystems.get(0)?.files?.find('/deep/er/short')).toMatchObject({ sizeBytes: 300 });
    });
  });
});

it.each(['gzip', 'zstd', 'lz4', 'xz'])('the short last block of a file that is compressed with %s is read', async (compression) => {
  const tree = workDirectory();
  for (let length = 1; length < 80; length++) writeFileSync(join(tree, `${length}`), Buffer.alloc(length, 'a'));
  writeFileSync(join(tree, 'large'), Buffer.alloc(128 * 1024 + 50, 'a'));
  expect(await lookInto(await imageOf(tree, '-comp', compression, '-no-fragments'))).toEqual(await look(tree));
});

it('blocks of xz with a filter for machine code are read', async () => {
  const tree = workDirectory();
  // Calls of one address, from many.
  const code = noise(800_000);
  for (let at = 0; at < code.length; at += 8) {
    code[at] = 0xe8;
    code.writeInt32LE(0x10_0000 - at - 5, at + 1);
  }
  writeFileSync(join(tree, 'code'), code);
  expect(await lookInto(await imageOf(tree, '-comp', 'xz', '-Xbcj', 'x86'))).toEqual(await look(tree));
});

it('what is not read says why', async () => {
  const tree = workDirectory();
  writeFileSync(join(tree, 'file'), 'text');
  const image = await imageOf(tree, '-comp', 'lzo');
  const problem = (path: string): Promise<string | undefined> => withImage(path, async ({ report }) => report.partitions[0]?.problem);
  expect(await problem(image)).toBe('files of this squashfs are not read: it is compressed with lzo');
  overwrite(image, 20, Buffer.from([2]));
  expect(await problem(image)).toBe('files of this squashfs are not read: it is compressed with lzma');
  const old = copyOf(image, 'old');
  overwrite(old, 28, Buffer.from([3]));
  expect(await problem(old)).toBe('files of this squashfs are not read: it is of version 3.0');
});

describe.each([
  ['compressed', ['-comp', 'zstd']],
  ['not compressed', PLAIN],
])('whatever is damaged of one that is %s', (name, options) => {
  it('ends in a result or a problem', async () => {
    const tree = workDirectory();
    mkdirSync(join(tree, 'deep'));
    for (let index = 0; index < 60; index++)
      writeFileSync(join(tree, `${index % 2 === 0 ? 'deep/' : ''}name ${index}`), 'text '.repeat(index * 20));
    writeFileSync(join(tree, 'large'), Buffer.alloc(300_000, 'large'));
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'a value', join(tree, 'deep')]);
    const image = await imageOf(tree, ...options);
    const bytes = readFileSync(image);
    const open = (): ReturnType<typeof openSquashfs> => openSquashfs(bytesIn(bytes));
    expect(await readAll(open)).toBe(63);
    const number = numbersFrom(20_261_130);
    const outcomes = { read: 0, told: 0 };
    const damage = async (change: (image: Buffer) => void): Promise<void> => {
      const sound = Buffer.from(bytes);
      change(bytes);
      outcomes[typeof (await readAll(open)) === 'number' ? 'read' : 'told']++;
      sound.copy(bytes);
    };
    for (let at = 4; at < 96; at++) for (const value of [0, 0x7f, 0xff, number(256)]) await damage((whole) => (whole[at] = value));
    // Inodes, names and tables are the end of an image.
    const tables = Number(bytes.readBigUInt64LE(64));
    for (let turn = 0; turn < 1000; turn++) {
      await damage((whole) => {
        for (let count = number(4); count >= 0; count--)
          whole[name === 'compressed' ? 96 + number(bytes.length - 96) : tables + number(bytes.length - tables)] = number(256);
      });
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.told).toBeGreaterThan(100);
    expect(await readAll(open)).toBe(63);
  });
});
