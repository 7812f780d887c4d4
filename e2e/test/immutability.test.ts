import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import {
  artifactOf,
  askRoot,
  cutPartition,
  Mini,
  partitionOffset,
  sound,
  stepsOf,
  type BuildPlaces,
  type IctResult,
} from '../src/index.js';

const run = promisify(execFile);

const PARTITIONS = [
  { id: 'esp', type: 'esp', fsType: 'fat32', start: '1MiB', end: '41MiB', mountPoint: '/boot/efi' },
  { id: 'root', type: 'linux-root-amd64', fsType: 'ext4', start: '41MiB', end: '140MiB', mountPoint: '/' },
  { id: 'roothashmap', type: 'linux', fsType: 'ext4', start: '140MiB', end: '142MiB', mountPoint: 'none' },
  { id: 'userdata', type: 'linux', fsType: 'ext4', start: '142MiB', end: '0', mountPoint: '/opt' },
];
const changes = (partitions: readonly object[]): Parameters<Mini['template']>[0] => ({
  disk: { size: '160MiB', partitions },
  system: { immutability: { enabled: true }, configurations: [{ cmd: 'echo as it was built > /usr/share/one' }] },
});

let mini: Mini;
let template: string;
let places: BuildPlaces;
let built: IctResult;
let image: string;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'immutability');
  template = await mini.template(changes(PARTITIONS));
  places = await mini.places();
  built = await sound(mini.buildTemplate(template, places));
  image = artifactOf(built, 'raw').path;
});
afterAll(() => mini.close());

/** Exit status of veritysetup, asked about the root and its hashes with the root hash that the image starts with. */
async function verify(disk: string, name: string): Promise<number> {
  const [data, hashes] = await Promise.all([1, 2].map((index) => cutPartition(disk, index, join(mini.root, `${name}-${index}`))));
  const esp = `${disk}@@${await partitionOffset(disk, 0)}`;
  const { stdout } = await run('mtype', ['-i', esp, '::/loader/entries/mini-6.12.1-mini.conf']);
  const rootHash = / roothash=([0-9a-f]{64})$/mu.exec(stdout)?.[1] ?? 'none';
  return run('veritysetup', ['verify', data as string, hashes as string, rootHash]).then(
    () => 0,
    ({ code }: { readonly code: number }) => code,
  );
}

it('an immutable image has the hashes of its root, and starts with the hash of these', async () => {
  expect(await verify(image, 'sound')).toBe(0);
});

it('a byte that is changed in the root is found', async () => {
  const changed = join(mini.root, 'changed.raw');
  await run('cp', ['--sparse=always', image, changed]);
  const [block] = (await askRoot(changed, 'blocks /usr/share/one')).trim().split(/\s+/u);
  await using file = await open(changed, 'r+');
  await file.write('X', (await partitionOffset(changed, 1)) + Number(block) * 4096);
  expect((await askRoot(changed, 'cat /usr/share/one')).trim()).toBe('Xs it was built');
  expect(await verify(changed, 'changed')).not.toBe(0);
});

it('has the packages that open it, and is mounted by the name that they give it', async () => {
  expect((await askRoot(image, 'cat /etc/fstab')).split('\n')[1]).toBe('/dev/mapper/root\t/\text4\tro\t0\t0');
  expect(await askRoot(image, 'cat /usr/share/initramfs-tools/modules.d/image-composer-tool.conf')).toBe('dm_verity\n');
  expect(await askRoot(image, 'stat /usr/share/initramfs-tools/scripts/local-block/ict-verified-root')).toContain('Mode:  0755');
});

it('has the same bytes in another build from nothing, and is not made again by one beside it', async () => {
  const again = await sound(mini.buildTemplate(template, await mini.places()));
  expect(artifactOf(again, 'raw').digest).toBe(artifactOf(built, 'raw').digest);
  const beside = await sound(mini.buildTemplate(template, places));
  expect(stepsOf(beside, 'step.miss')).toEqual([]);
});

it.each([
  ['none', PARTITIONS.filter(({ id }) => id !== 'roothashmap'), 'ICT_TEMPLATE_IMMUTABILITY'],
  [
    'several',
    PARTITIONS.map((one) => (one.id === 'userdata' ? { ...one, type: 'linux-root-amd64-verity' } : one)),
    'ICT_TEMPLATE_IMMUTABILITY',
  ],
])('a disk with %s for the hashes is refused before anything is fetched', async (_what, partitions, code) => {
  const { status, stdout, stderr } = await mini.buildTemplate(await mini.template(changes(partitions)), await mini.places());
  expect([status, stderr]).toEqual([1, expect.stringContaining(code)]);
  expect(stdout).not.toContain('fetch.');
});
