import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HeldMounts, digestFile, hostRecords } from '@ict/fixtures';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, sound, type IctResult } from '../src/index.js';
import { askRoot, cutPartition } from '../src/disk.js';

let mini: Mini;
let template: string;
let built: IctResult;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'read-only-filesystems');
  const disk = {
    size: '160MiB',
    partitions: [
      { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' },
      { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '41MiB', end: '140MiB', mountPoint: '/' },
      { id: 'opt', type: 'linux', fsType: 'erofs', fsLabel: 'opt', start: '140MiB', end: '150MiB', mountPoint: '/opt' },
      { id: 'srv', type: 'linux', fsType: 'squashfs', start: '150MiB', end: '0', mountPoint: '/srv', mountOptions: 'noatime' },
    ],
  };
  const commands = [
    'mkdir -p /opt/programs /opt/shared && echo text > /opt/programs/file && chmod 4750 /opt/programs/file',
    'ln /opt/programs/file /opt/shared/other-name && ln -s ../programs/file /opt/shared/link',
    'chown 1234:70000 /opt/programs/file && chmod 1777 /opt/shared && head -c 300000 /dev/zero > /opt/shared/zeros',
    'mkfifo /opt/shared/pipe && echo gone > /opt/gone && cp -a /opt/. /srv/',
  ];
  const layers = { configurations: [...commands, 'rm /opt/gone /srv/gone'].map((cmd) => ({ cmd })) };
  template = await mini.template({ disk, system: layers });
  built = await sound(mini.buildTemplate(template, await mini.places()));
});
afterAll(() => mini.close());

/** All that the kernel shows of a partition. */
async function look(index: number): Promise<readonly object[]> {
  const part = await cutPartition(artifactOf(built, 'raw').path, index, join(mini.root, `part-${index}`));
  const directory = join(mini.root, `mounted-${index}`);
  await mkdir(directory);
  const mounts = await HeldMounts.hold('mount -o loop,ro "$1" "$2"', part, directory);
  try {
    const records = await hostRecords(mounts.seen(directory));
    return records.map(({ mtimeSeconds: _time, ...record }) =>
      record.sizeBytes === undefined ? record : { ...record, digest: digestFile(join(mounts.seen(directory), record.path)) },
    );
  } finally {
    await mounts.close();
  }
}

it('are what the kernel shows of the tree: owners, modes, links and contents', async () => {
  const [erofs, squashfs] = [await look(2), await look(3)];
  expect(erofs).toEqual(squashfs);
  const owner = { uid: 0, gid: 0 };
  expect(erofs).toMatchObject([
    { path: '/', type: 'directory', mode: 0o755, ...owner },
    { path: '/programs', type: 'directory', mode: 0o755, ...owner },
    { path: '/programs/file', type: 'file', uid: 1234, gid: 70_000, sizeBytes: 5 },
    { path: '/shared', type: 'directory', mode: 0o1777, ...owner },
    { path: '/shared/link', type: 'symlink', linkTarget: '../programs/file' },
    { path: '/shared/other-name', hardlinkOf: '/programs/file' },
    { path: '/shared/pipe', type: 'fifo' },
    { path: '/shared/zeros', type: 'file', sizeBytes: 300_000 },
  ]);
});

it('are mounted read-only and checked by nobody', async () => {
  const fstab = (await askRoot(artifactOf(built, 'raw').path, 'cat /etc/fstab')).split('\n').map((line) => line.split('\t').slice(1));
  expect(fstab).toContainEqual(['/opt', 'erofs', 'ro', '0', '0']);
  expect(fstab).toContainEqual(['/srv', 'squashfs', 'ro,noatime', '0', '0']);
});

it('have the same bytes in another build from nothing', async () => {
  const again = await sound(mini.buildTemplate(template, await mini.places()));
  expect(artifactOf(again, 'raw').digest).toBe(artifactOf(built, 'raw').digest);
});

it('are read without mounting, file by file', async () => {
  const { path } = artifactOf(built, 'raw');
  const { status, stdout } = await ict(['compare', path, path, '--times', '--json', '--exit-code']);
  expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ equal: true, compared: [1, 2, 3, 4] })]);
});
