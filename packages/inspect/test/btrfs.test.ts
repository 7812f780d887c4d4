import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { look, mounted } from '@ict/fixtures';
import { btrfsChecksum } from '@ict/image-parts';
import { describe, expect, it } from 'vitest';
import { openBtrfs } from '../src/filesystems/btrfs/open-btrfs.js';
import { withImage } from '../src/inspect-image.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { fillTree, lookInto, noise } from './everything.js';
import { copyOf, emptyFile, MIB, overwrite, run, workDirectory } from './images.js';

/** Of no other test: mkfs.btrfs refuses one that something mounted has. */
const UUID = randomUUID();
const SUPERBLOCK_AT = 65_536;
const NODE_BYTES = 16_384;

/** An image that the kernel filled by what `fill` does in its mount. */
async function written(
  options: readonly string[],
  mount: string,
  fill: (directory: string) => void,
  sizeBytes = 200 * MIB,
): Promise<string> {
  const image = emptyFile(join(workDirectory(), 'image'), sizeBytes);
  await run('mkfs.btrfs', '--quiet', '--uuid', UUID, '--label', 'a label', ...options, image);
  await mounted(image, mount, fill);
  return image;
}

/** Everything that a btrfs has forms for. */
function fillAll(directory: string): void {
  const at = (path: string): string => join(directory, path);
  const tool = (program: string, ...argv: string[]): unknown => execFileSync(program, argv, { stdio: 'pipe' });
  fillTree(directory);
  tool('fallocate', '--length', '1M', at('reserved'));
  overwrite(at('reserved'), 70_000, Buffer.from('written'));
  tool('fallocate', '--keep-size', '--length', '1M', at('empty'));
  tool('sync', '--file-system', directory);
  overwrite(at('large'), 100_000, noise(5000)); // parts of one extent are in two places
  tool('cp', '--reflink=always', at('large'), at('deep/clone'));
  utimesSync(at('noise'), new Date(-5000), new Date(-5000)); // of a negative number Node makes the time that it is
  for (const path of ['sub', 'sub/below', 'gone']) tool('btrfs', 'subvolume', 'create', at(path));
  writeFileSync(at('sub/file'), 'in a subvolume');
  writeFileSync(at('sub/below/file'), 'deeper');
  linkSync(at('sub/file'), at('sub/other name'));
  tool('btrfs', 'subvolume', 'snapshot', '-r', at('sub'), at('deep/snapshot'));
  writeFileSync(at('sub/file'), 'and changed');
  rmdirSync(at('gone'));
}

describe.each([
  ['nothing compressed', [], 'rw'],
  ['zlib', [], 'rw,compress-force=zlib'],
  ['zstd', [], 'rw,compress-force=zstd'],
  ['sha256, small blocks, metadata once', ['--csum', 'sha256', '--nodesize', '4096', '--metadata', 'single'], 'rw'],
  ['contents and trees in one chunk', ['--mixed'], 'rw,compress-force=zstd'],
] as const)('a btrfs of the kernel with %s', (_name, options, mount) => {
  it('is read as the kernel shows it: contents, links, holes, attributes, devices, times, subvolumes', async () => {
    const image = await written(options, mount, fillAll);
    const seen = await mounted(image, 'ro', look);
    const read = await lookInto(image);
    expect(seen.length).toBeGreaterThan(920);
    // Where a snapshot has no copy of a subvolume, the time is that of looking.
    const isPlace = ({ path }: { readonly path: string }): boolean => path === '/deep/snapshot/below';
    expect(read.find(isPlace)).toMatchObject({ type: 'directory', mode: 0o755 });
    expect(read.map((record) => (isPlace(record) ? seen.find(isPlace) : record))).toEqual(seen);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([
        { number: 0, filesystem: { type: 'btrfs', label: 'a label', id: UUID, sizeBytes: 200 * MIB } },
      ]);
      const files = filesystems.get(0)?.files;
      expect(await files?.find('/sub/below/file')).toMatchObject({ sizeBytes: 6 });
      expect(await files?.find('/sub/none')).toBeUndefined();
    });
  });
});

it('what is not read says why, with what the superblock tells', async () => {
  const directory = workDirectory();
  const image = (name: string): string => emptyFile(join(directory, name), 200 * MIB);
  const problems: (string | undefined)[] = [];
  const tell = (path: string): Promise<void> =>
    withImage(path, async ({ report, filesystems }) => {
      expect([report.partitions[0]?.filesystem?.type, filesystems.get(0)?.files]).toEqual(['btrfs', undefined]);
      problems.push(report.partitions[0]?.problem);
    });
  await run('mkfs.btrfs', '--quiet', '--data', 'raid1', '--metadata', 'raid1', image('one'), image('two'));
  await run('mkfs.btrfs', '--quiet', '--csum', 'xxhash', image('xxhash'));
  for (const name of ['one', 'two', 'xxhash']) await tell(join(directory, name));
  await tell(await written([], 'rw,compress-force=lzo', (mount) => writeFileSync(join(mount, 'file'), 'easily '.repeat(1000))));
  expect(problems).toEqual([
    'files of this btrfs are not read: it lies on 2 devices',
    'files of this btrfs are not read: it lies on 2 devices',
    'files of this btrfs are not read: its checksums are of the kind xxhash64',
    'files of this btrfs are not read: files of it may be compressed with lzo',
  ]);
});

it('one that was not unmounted says so, where its log has something', async () => {
  const image = await written([], 'rw', (directory) => writeFileSync(join(directory, 'file'), 'text'), 112 * MIB);
  const copy = `${image}.mounted`;
  await mounted(image, 'rw', (directory) => {
    writeFileSync(join(directory, 'file'), 'other text');
    execFileSync('sync', [join(directory, 'file')]); // of a single file goes to the log
    copyOf(image, 'mounted');
  });
  await withImage(copy, async ({ report }) => {
    expect(report.partitions[0]?.problem).toBe('this btrfs was not unmounted, and changes that are only in its log are not read');
  });
  await withImage(image, async ({ report }) => expect(report.partitions[0]).not.toHaveProperty('problem'));
});

it('no space is free where the superblock says that more is used than there is', async () => {
  const image = await written([], 'rw', () => {}, 112 * MIB);
  const superblock = readFileSync(image).subarray(SUPERBLOCK_AT, SUPERBLOCK_AT + 4096);
  superblock.writeBigUInt64LE(2n ** 40n, 120);
  btrfsChecksum(superblock).copy(superblock);
  overwrite(image, SUPERBLOCK_AT, superblock);
  await withImage(image, async ({ report }) => {
    expect(report.partitions[0]).toMatchObject({ filesystem: { sizeBytes: 112 * MIB, freeBytes: 0 } });
    expect(report.partitions[0]).not.toHaveProperty('problem');
  });
});

it('more attributes than a file has are told', async () => {
  const image = await written(
    [],
    'rw',
    (directory) => {
      const list = join(workDirectory(), 'attributes');
      const lines = Array.from({ length: 4097 }, (_none, index) => `user.${index}="x"\n`);
      writeFileSync(list, `# file: file\n${lines.join('')}\n`);
      writeFileSync(join(directory, 'file'), '');
      execFileSync('setfattr', [`--restore=${list}`], { cwd: directory, stdio: 'pipe' });
    },
    112 * MIB,
  );
  await expect(lookInto(image)).rejects.toThrow('/file has more than 4096 extended attributes');
});

/** Where blocks of trees lie in an image, by the addresses that they name. */
function blocksOf(image: Buffer): Map<number, number[]> {
  const filesystem = image.subarray(SUPERBLOCK_AT + 32, SUPERBLOCK_AT + 48);
  const found = new Map<number, number[]>();
  for (let at = MIB; at < image.length; at += 4096) {
    if (!image.subarray(at + 32, at + 48).equals(filesystem)) continue;
    const address = Number(image.readBigUInt64LE(at + 48));
    found.set(address, [...(found.get(address) ?? []), at]);
  }
  return found;
}

it('a damaged block is read from its copy, and without one is told', async () => {
  const image = await written([], 'rw', (directory) => writeFileSync(join(directory, 'file'), 'text'));
  const bytes = readFileSync(image);
  const root = Number(bytes.readBigUInt64LE(SUPERBLOCK_AT + 80));
  const [first, second] = blocksOf(bytes).get(root) as [number, number];
  const damaged = copyOf(image, 'damaged');
  overwrite(damaged, first + 200, noise(8));
  expect(await lookInto(damaged)).toEqual(await lookInto(image));
  overwrite(damaged, second + 200, noise(8));
  await withImage(damaged, async ({ report }) => {
    expect(report.partitions[0]?.problem).toBe(`a tree of the btrfs is damaged: its block at ${root}`);
  });
  overwrite(damaged, SUPERBLOCK_AT + 300, noise(8));
  await withImage(damaged, async ({ report }) => {
    expect(report.partitions[0]?.problem).toBe('the superblock of the btrfs is damaged: its checksum is wrong');
  });
});

it('whatever is damaged, with right checksums, ends in a result or a problem', async () => {
  const fill = (directory: string): void => {
    mkdirSync(join(directory, 'deep'));
    execFileSync('btrfs', ['subvolume', 'create', join(directory, 'sub')], { stdio: 'pipe' });
    for (let index = 0; index < 40; index++)
      writeFileSync(join(directory, `${index % 2 === 0 ? 'deep' : 'sub'}/name ${index}`), 'text '.repeat(index * 20));
    execFileSync('setfattr', ['-n', 'user.note', '-v', 'a value', join(directory, 'deep')]);
  };
  const image = await written(['--metadata', 'single'], 'rw,compress-force=zstd', fill, 112 * MIB);
  const bytes = readFileSync(image);
  const open = (): ReturnType<typeof openBtrfs> => openBtrfs(bytesIn(bytes));
  expect(await readAll(open)).toBe(43);
  // Of the trees that are read: that of chunks, of roots, of files, and of the subvolume.
  const places = [...blocksOf(bytes).values()].flat().filter((at) => [1, 3, 5, 256].includes(bytes.readUInt32LE(at + 88)));
  const number = numbersFrom(20_261_130);
  const outcomes = { read: 0, told: 0 };
  const damage = async (start: number, length: number, change: (block: Buffer) => void): Promise<void> => {
    const block = bytes.subarray(start, start + length);
    const sound = Buffer.from(block);
    change(block);
    btrfsChecksum(block).copy(block);
    outcomes[typeof (await readAll(open)) === 'number' ? 'read' : 'told']++;
    sound.copy(block);
  };
  // Each byte of the superblock that says something, then bytes anywhere in blocks of trees, where keys and sizes are more often than elsewhere.
  for (let at = 48; at < 256; at++) await damage(SUPERBLOCK_AT, 4096, (block) => (block[at] = number(2) === 0 ? 0xff : number(256)));
  for (let at = 811; at < 940; at++) await damage(SUPERBLOCK_AT, 4096, (block) => (block[at] = number(256)));
  for (let turn = 0; turn < 600; turn++) {
    await damage(places[number(places.length)] as number, NODE_BYTES, (block) => {
      const from = number(3) === 0 ? 0 : 80;
      for (let count = number(12); count >= 0; count--) block[from + number(number(2) === 0 ? 400 : NODE_BYTES - from)] = number(256);
    });
  }
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.told).toBeGreaterThan(100);
  expect(await readAll(open)).toBe(43);
});
