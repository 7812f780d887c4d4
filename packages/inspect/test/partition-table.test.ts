import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inspectImage } from '../src/inspect-image.js';
import { DISK_GUID, emptyFile, makeDisk, makeFat, MIB, overwrite, run, workDirectory } from './images.js';

async function twoPartitions(directory: string): Promise<string> {
  const esp = await makeFat(join(directory, 'esp'), 4 * MIB, {}, '-F', '12');
  const other = emptyFile(join(directory, 'other'), 2 * MIB);
  return makeDisk(join(directory, 'disk'), [
    { type: 'esp', name: 'boot', file: esp, sizeBytes: 4 * MIB },
    { type: 'linux-home', name: 'höme', file: other, sizeBytes: 2 * MIB },
  ]);
}

const PARTITIONS = [
  {
    number: 1,
    startBytes: MIB,
    sizeBytes: 4 * MIB,
    type: 'esp',
    id: '00000000-0000-0000-0000-000000000001',
    name: 'boot',
    filesystem: expect.objectContaining({ type: 'vfat' }) as unknown,
  },
  {
    number: 2,
    startBytes: 5 * MIB,
    sizeBytes: 2 * MIB,
    type: 'linux-home',
    id: '00000000-0000-0000-0000-000000000002',
    name: 'höme',
    attributes: [60],
  },
];

it('a GPT is read as it was written, from its second copy when the first is damaged', async () => {
  const disk = await twoPartitions(workDirectory());
  expect(await inspectImage(disk)).toEqual({
    sizeBytes: 8 * MIB,
    table: { type: 'gpt', id: DISK_GUID, problems: [] },
    partitions: PARTITIONS,
    boot: { loaders: [], entries: [] },
  });
  overwrite(disk, 2 * 512 + 60, Buffer.from('x'));
  expect(await inspectImage(disk)).toMatchObject({
    table: {
      type: 'gpt',
      id: DISK_GUID,
      problems: ['the table at the start of the disk cannot be used: the checksum of its entries is wrong'],
    },
    partitions: PARTITIONS,
  });
  overwrite(disk, statSync(disk).size - 512 + 20, Buffer.from('x'));
  expect(await inspectImage(disk)).toMatchObject({
    table: {
      ...{ type: 'gpt', id: '' },
      problems: [
        'the table at the start of the disk cannot be used: the checksum of its entries is wrong',
        'the backup table at the end of the disk cannot be used: the checksum of its header is wrong',
      ],
    },
    partitions: [],
  });
});

it('a GPT whose second copy is damaged or of another disk says so', async () => {
  const directory = workDirectory();
  const disk = await twoPartitions(directory);
  overwrite(disk, statSync(disk).size - 512, Buffer.alloc(512));
  expect((await inspectImage(disk)).table?.problems).toEqual([
    'the backup table at the end of the disk cannot be used: there is no header',
  ]);
  truncateSync(disk, 9 * MIB);
  expect((await inspectImage(disk)).table?.problems).toHaveLength(1);
});

it('a partition behind the end of a disk that was cut is a problem of its own', async () => {
  const disk = await twoPartitions(workDirectory());
  truncateSync(disk, 6 * MIB);
  expect((await inspectImage(disk)).partitions).toMatchObject([{ number: 1 }, { number: 2, problem: 'it ends behind the disk' }]);
});

it('an MBR of sfdisk is read', async () => {
  const disk = emptyFile(join(workDirectory(), 'disk'), 8 * MIB);
  const script =
    'label: dos\nlabel-id: 0x1a2b3c4d\nstart=2048, size=4096, type=ef, bootable\nstart=6144, size=2048, type=83\nstart=8192, size=6144, type=5\nstart=10240, size=2048, type=83\n';
  expect(spawnSync('sfdisk', ['--quiet', disk], { input: script }).status).toBe(0);
  expect(await inspectImage(disk)).toMatchObject({
    table: { type: 'mbr', id: '1a2b3c4d', problems: [] },
    partitions: [
      { number: 1, startBytes: MIB, sizeBytes: 2 * MIB, type: 'esp', id: '1a2b3c4d-01', active: true },
      { number: 2, startBytes: 3 * MIB, sizeBytes: MIB, type: 'linux', id: '1a2b3c4d-02' },
      { number: 3, type: '0x05', id: '1a2b3c4d-03', problem: 'it is an extended partition, and the logical partitions in it are not read' },
    ],
  });
});

it('what a BIOS starts in front of the partitions has a digest, in which the table is not', async () => {
  const disk = await twoPartitions(workDirectory());
  const bootCode = async (): Promise<string | undefined> => (await inspectImage(disk)).table?.bootCode;
  overwrite(disk, 440, Buffer.from('x'));
  expect(await bootCode()).toBeUndefined();
  const seen = new Set<string | undefined>();
  for (const at of [0, 439, 34 * 512, MIB - 1]) {
    overwrite(disk, at, Buffer.from('x'));
    seen.add(await bootCode());
  }
  expect([...seen]).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(/^sha256:[0-9a-f]{64}$/u) as string));
  overwrite(disk, MIB, Buffer.from('x'));
  expect(seen).toContain(await bootCode());
});

it('filesystems that are known by their superblock are named, with label and UUID', async () => {
  const directory = workDirectory();
  const uuid = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
  const tree = join(directory, 'tree');
  await run('mkdir', tree);
  writeFileSync(join(tree, 'file'), 'content');
  const swap = emptyFile(join(directory, 'swap'), 4 * MIB);
  await run('mkswap', '-L', 'swap label', '-U', uuid, swap);
  await run('mksquashfs', tree, join(directory, 'squashfs'), '-quiet', '-no-progress');
  await run('mkfs.erofs', '-U', uuid, join(directory, 'erofs'), tree);
  const kinds = await Promise.all(
    ['swap', 'squashfs', 'erofs'].map(async (name) => (await inspectImage(join(directory, name))).partitions[0]?.filesystem),
  );
  expect(kinds).toEqual([
    { type: 'swap', label: 'swap label', id: uuid, sizeBytes: 4 * MIB },
    { type: 'squashfs', sizeBytes: expect.any(Number) as unknown },
    { type: 'erofs', id: uuid, sizeBytes: expect.any(Number) as unknown },
  ]);
});

it('what is no image says so', async () => {
  const directory = workDirectory();
  const text = join(directory, 'text');
  writeFileSync(text, 'no image');
  for (const path of [
    text,
    emptyFile(join(directory, 'zeros'), MIB),
    emptyFile(join(directory, 'empty'), 0),
    directory,
    join(directory, 'none'),
  ])
    await expect(inspectImage(path), path).rejects.toMatchObject({ code: 'ICT_INSPECT_IMAGE' });
});
