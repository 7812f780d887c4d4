import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { look, mounted } from '@ict/fixtures';
import { crc32c } from '@ict/image-parts';
import type { TreeRecord } from '@ict/plugin-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openErofs } from '../src/filesystems/erofs/open-erofs.js';
import { withImage } from '../src/inspect-image.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { fillTree, lookInto } from './everything.js';
import { MIB, overwrite, run, workDirectory } from './images.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
const SUPERBLOCK_AT = 1024;

async function imageOf(tree: string, ...options: readonly string[]): Promise<string> {
  const image = join(workDirectory(), 'image');
  await run('mkfs.erofs', '--quiet', '-U', UUID, ...options, image, tree);
  return image;
}

/** Content of many kinds beside each other, so that borders of clusters lie everywhere. */
function fillMixed(directory: string): void {
  fillTree(directory);
  for (let index = 0; index < 40; index++) {
    const parts = Array.from({ length: index }, (_none, part) =>
      part % 3 === 0 ? noiseOf(index * 977 + part, 1000 + index * 331) : Buffer.alloc(part * 517, `text ${part} `),
    );
    writeFileSync(join(directory, `mixed ${index}`), Buffer.concat(parts));
  }
}

function noiseOf(seed: number, count: number): Buffer {
  const number = numbersFrom(seed);
  return Buffer.from(Array.from({ length: count }, () => number(256)));
}

/** A tree with everything, and what it is. */
let all: string;
let seen: readonly TreeRecord[];
beforeAll(async () => {
  all = mkdtempSync(join(tmpdir(), 'ict-inspect-'));
  fillMixed(all);
  chmodSync(all, 0o751);
  seen = await look(all);
});
afterAll(() => rmSync(all, { recursive: true }));

describe.each([
  ['lz4', ['-zlz4']],
  ['lz4hc', ['-zlz4hc,12']],
  ['clusters of 64 KiB', ['-zlz4hc', '-C65536']],
  ['an index that is not compact', ['-zlz4', '-Elegacy-compress']],
  ['clusters of 16 KiB and such an index', ['-zlz4', '-Elegacy-compress', '-C16384']],
  ['nothing compressed', []],
  ['large inodes', ['-zlz4', '-Eforce-inode-extended']],
  ['no attributes', ['-x-1', '-zlz4'], 'attributes'],
  ['attributes that any two files share', ['-x1']],
  ['files in chunks', ['--chunksize=4096']],
  ['files in large chunks with indexes', ['--chunksize=65536', '-Eforce-chunk-indexes']],
  ['one time', ['-T1700000000', '-zlz4'], 'times'],
] as const)('an erofs with %s', (_name, options, differing: string | undefined = undefined) => {
  it('is read as the kernel shows it: contents, links, holes, attributes, devices, owners, times', async () => {
    const image = await imageOf(all, ...options);
    const read = await lookInto(image);
    expect(read).toEqual(await mounted(image, 'ro', look));
    if (differing === undefined) expect(read).toEqual(seen);
    expect(read.length).toBeGreaterThan(950);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'erofs', id: UUID } }]);
      expect(await filesystems.get(0)?.files?.find('/deep/er/short')).toMatchObject({ sizeBytes: 300 });
    });
  });
});

it('times before 1970 are read', async () => {
  const tree = workDirectory();
  writeFileSync(join(tree, 'file'), 'text');
  const before = new Date(-5000); // of a negative number Node makes the time that it is
  utimesSync(join(tree, 'file'), before, before);
  expect(await lookInto(await imageOf(tree))).toEqual(await look(tree));
});

/** Writes a number of the superblock, and the checksum anew. */
function change(image: Buffer, at: number, value: number): void {
  const block = image.subarray(SUPERBLOCK_AT, 4096);
  block[at] = value;
  block.writeUInt32LE(0, 4);
  block.writeUInt32LE(crc32c(block), 4);
}

it('what is not read says why', async () => {
  const tree = workDirectory();
  writeFileSync(join(tree, 'file'), 'text');
  const image = await imageOf(tree);
  const problem = (path: string): Promise<string | undefined> => withImage(path, async ({ report }) => report.partitions[0]?.problem);
  const sound = readFileSync(image);
  const changed = async (at: number, value: number): Promise<string | undefined> => {
    const bytes = Buffer.from(sound);
    change(bytes, at, value);
    writeFileSync(image, bytes);
    return problem(image);
  };
  expect(await changed(80, 0x10)).toBe('files of this erofs are not read: ends of files are packed (ztailpacking)');
  expect(await changed(80, 0x20)).toBe('files of this erofs are not read: parts of files are shared (fragments, dedupe)');
  expect(await changed(80, 0x80)).toBe('files of this erofs are not read: it has features that are not known here (0x80)');
  expect(await changed(86, 1)).toBe('files of this erofs are not read: it lies on 2 devices');
  change(sound, 80, 0x3);
  expect(await changed(84, 0x9)).toBe('files of this erofs are not read: files of it are compressed with zstd');
  expect(await changed(84, 0x6)).toBe('files of this erofs are not read: files of it are compressed with lzma and deflate');
  writeFileSync(image, sound);
  overwrite(image, SUPERBLOCK_AT + 64, Buffer.from('x'));
  expect(await problem(image)).toBe('the superblock of the erofs is damaged: its checksum is wrong');
});

describe.each([
  ['compact', ['-zlz4', '-C16384']],
  ['not compact', ['-zlz4', '-Elegacy-compress', '-x1']],
  ['in chunks', ['--chunksize=4096']],
])('whatever is damaged of one whose files are %s', (_name, options) => {
  it('ends in a result or a problem', async () => {
    const tree = workDirectory();
    mkdirSync(join(tree, 'deep'));
    for (let index = 0; index < 40; index++)
      writeFileSync(join(tree, `${index % 2 === 0 ? 'deep/' : ''}name ${index}`), 'text '.repeat(index * 20));
    writeFileSync(join(tree, 'large'), Buffer.alloc(MIB, 'large'));
    writeFileSync(join(tree, 'mixed'), Buffer.concat([noiseOf(1, 9000), Buffer.alloc(90_000, 'x'), noiseOf(2, 9000)]));
    for (const name of ['deep', 'large']) execFileSync('setfattr', ['-n', 'user.note', '-v', 'a value', join(tree, name)]);
    const image = await imageOf(tree, ...options);
    const bytes = readFileSync(image);
    const open = (): ReturnType<typeof openErofs> => openErofs(bytesIn(bytes));
    expect(await readAll(open)).toBe(44);
    const number = numbersFrom(20_261_130);
    const outcomes = { read: 0, told: 0 };
    const damage = async (harm: (image: Buffer) => void): Promise<void> => {
      const sound = Buffer.from(bytes);
      harm(bytes);
      outcomes[typeof (await readAll(open)) === 'number' ? 'read' : 'told']++;
      sound.copy(bytes);
    };
    for (let at = 8; at < 128; at++) for (const value of [0xff, number(256)]) await damage((whole) => change(whole, at, value));
    // Inodes and names are at the beginning, behind the superblock.
    const end = Math.min(bytes.length, 16_384);
    for (let turn = 0; turn < 500; turn++) {
      await damage((whole) => {
        for (let count = number(6); count >= 0; count--) whole[SUPERBLOCK_AT + 128 + number(end - SUPERBLOCK_AT - 128)] = number(256);
      });
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.told).toBeGreaterThan(100);
    expect(await readAll(open)).toBe(44);
  });
});
