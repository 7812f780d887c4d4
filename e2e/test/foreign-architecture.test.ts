import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import {
  artifactOf,
  createMiniPackages,
  cutPartition,
  ict,
  makePlaces,
  Mini,
  registerEmulator,
  rootTree,
  smallDisk,
  sound,
} from '../src/index.js';

const run = promisify(execFile);

/** Place and value of the machine in the header of a program. @see elf(5) */
const ELF_MACHINE_OFFSET = 18;
const ELF_AARCH64 = 0xb7;
/** Type of a partition with the root of such a machine. @see the Discoverable Partitions Specification */
const ROOT_ARM64 = 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE';

let takeBack: (() => Promise<void>) | undefined;
let mini: Mini;

/** What the miniature has real programs of, with all that they need. */
const TOOLS = ['e2fsprogs', 'erofs-utils', 'squashfs-tools'];

/** Real packages of arm64: those that the miniature consists of, and what else every Debian system has. */
async function foreignPackages(place: string): Promise<string> {
  const { cache, work, temporary } = await makePlaces(place);
  const template = join(place, 'template.yml');
  const target = { os: 'debian', dist: 'debian13', arch: 'aarch64', imageType: 'wsl2' };
  await writeFile(template, stringify({ image: { name: 'foreign', version: '1' }, target, systemConfig: { packages: TOOLS } }));
  await sound(ict(['cache', 'warm', template, '--cache-dir', cache, '--work-dir', work, '--temp-dir', temporary]));
  return join(cache, 'pkgCache', 'debian-debian13-aarch64');
}

beforeAll(async () => {
  takeBack = await registerEmulator();
  const root = join(inject('run'), 'foreign-architecture');
  const packages = await foreignPackages(join(root, 'real'));
  const trimmed = join(root, 'packages');
  await mkdir(trimmed);
  mini = await Mini.of(await createMiniPackages(packages, trimmed), root);
});

afterAll(async () => {
  await mini?.close();
  await takeBack?.();
});

it('an image for aarch64 is built by emulation, of programs for that alone, and begins as such machines do', async () => {
  const template = await mini.template({
    target: { arch: 'aarch64' },
    disk: smallDisk('Mini', '112MiB', 'ext4', 'linux-root-arm64'),
    system: { packages: ['mini-service', 'mini-daemon'], configurations: [{ cmd: 'uname -m > /etc/machine' }] },
  });
  const image = artifactOf(await sound(mini.buildTemplate(template, await mini.places())), 'raw');
  const tree = await rootTree(image.path, join(mini.root, 'tree'));
  expect((await readFile(join(tree, 'usr/bin/dash'))).readUInt16LE(ELF_MACHINE_OFFSET)).toBe(ELF_AARCH64);
  // What ran in the tree: a script of a package that adds a user, one that is configured after what it needs, and a command of the template.
  expect(await readFile(join(tree, 'etc/passwd'), 'utf8')).toMatch(/^mini-daemon:x:9\d\d:/m);
  expect(await readFile(join(tree, 'etc/mini-service'), 'utf8')).toBe('configure\n');
  expect(await readFile(join(tree, 'etc/machine'), 'utf8')).toBe('aarch64\n');
  const esp = await cutPartition(image.path, 0, join(mini.root, 'esp'));
  expect((await run('mtype', ['-i', esp, '::/EFI/BOOT/BOOTAA64.EFI'])).stdout).toContain('loader loader ');
  const { stdout: table } = await run('sfdisk', ['--json', image.path]);
  expect(table).toContain(ROOT_ARM64);
});
