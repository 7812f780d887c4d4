import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HeldMounts, digestFile, execute, hostRecords } from '@ict/fixtures';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, sound, type IctResult } from '../src/index.js';
import { askRoot, cutPartition } from '../src/disk.js';

let mini: Mini;
let template: string;
let built: IctResult;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'written-filesystems');
  const disk = {
    size: '700MiB',
    partitions: [
      { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' },
      { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '41MiB', end: '140MiB', mountPoint: '/' },
      { id: 'opt', type: 'linux', fsType: 'ext4', start: '140MiB', end: '160MiB', mountPoint: '/opt' },
      {
        id: 'srv',
        type: 'linux',
        fsType: 'btrfs',
        fsLabel: 'srv',
        start: '160MiB',
        end: '390MiB',
        mountPoint: '/srv',
        mountOptions: 'noatime',
      },
      {
        id: 'data',
        type: 'linux',
        fsType: 'xfs',
        fsLabel: 'data',
        start: '390MiB',
        end: '0',
        mountPoint: '/data',
        mountOptions: 'noatime',
      },
    ],
  };
  const commands = [
    'mkdir -p /opt/programs /opt/shared && echo text > /opt/programs/file',
    'ln /opt/programs/file /opt/shared/other-name && ln -s ../programs/file /opt/shared/link',
    'chown 1234:70000 /opt/programs/file && chmod 4750 /opt/programs/file && chmod 1777 /opt/shared && head -c 300000 /dev/zero > /opt/shared/zeros',
    'mkfifo /opt/shared/pipe && mkdir -p /data && cp -a /opt/. /srv/ && cp -a /opt/. /data/',
  ];
  template = await mini.template({ disk, system: { configurations: commands.map((cmd) => ({ cmd })) } });
  built = await sound(mini.buildTemplate(template, await mini.places()));
});
afterAll(() => mini.close());

/** All that the kernel shows of a partition. */
async function look(part: string, name: string): Promise<readonly object[]> {
  const directory = join(mini.root, `mounted-${name}`);
  await mkdir(directory);
  const mounts = await HeldMounts.hold('mount -o loop,ro "$1" "$2"', part, directory);
  try {
    const records = await hostRecords(mounts.seen(directory));
    return records
      .filter(({ path }) => path !== '/lost+found')
      .map((record) =>
        record.sizeBytes === undefined ? record : { ...record, digest: digestFile(join(mounts.seen(directory), record.path)) },
      );
  } finally {
    await mounts.close();
  }
}

it.each([
  ['btrfs', 3, 'btrfs', ['check', '--check-data-csum']],
  ['xfs', 4, 'xfs_repair', ['-n', '-f']],
] as const)('is what an ext4 is of the same files, and sound: %s', async (filesystem, number, program, argv) => {
  const { path } = artifactOf(built, 'raw');
  const ext4 = await look(await cutPartition(path, 2, join(mini.root, `ext4-${filesystem}`)), `ext4-${filesystem}`);
  const part = await cutPartition(path, number, join(mini.root, filesystem));
  const checked = await execute(program, [...argv, part]);
  expect([checked.exitCode, checked.exitCode === 0 ? '' : checked.stdout + checked.stderr]).toEqual([0, '']);
  const found = await look(part, filesystem);
  expect(found.slice(1)).toEqual(ext4.slice(1));
  expect(found).toContainEqual(expect.objectContaining({ path: '/programs/file', mode: 0o4750, uid: 1234, gid: 70_000, sizeBytes: 5 }));
});

it('is mounted with its options and checked by nobody', async () => {
  const fstab = (await askRoot(artifactOf(built, 'raw').path, 'cat /etc/fstab')).split('\n').map((line) => line.split('\t').slice(1));
  expect(fstab).toContainEqual(['/srv', 'btrfs', 'noatime', '0', '0']);
  expect(fstab).toContainEqual(['/data', 'xfs', 'noatime', '0', '0']);
});

it('has the same bytes in another build from nothing', async () => {
  const again = await sound(mini.buildTemplate(template, await mini.places()));
  expect(artifactOf(again, 'raw').digest).toBe(artifactOf(built, 'raw').digest);
});

it('is read without mounting, file by file', async () => {
  const { path } = artifactOf(built, 'raw');
  const { status, stdout } = await ict(['compare', path, path, '--times', '--json', '--exit-code']);
  expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ equal: true, compared: [1, 2, 3, 4, 5] })]);
});
