import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ict } from './fixture.js';
import { ictWithFullDisk } from './full-disk.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-boot-test-'));
});

afterEach(() => rm(directory, { recursive: true }));

it.each([
  ['is not there', undefined],
  ['is empty', ''],
  ['is compressed', '\u001f\u008b'],
])('an image that %s is a mistake', async (_name, content) => {
  const image = join(directory, 'a.raw');
  if (content !== undefined) await writeFile(image, content, 'latin1');
  const { status, stdout } = await ict(['boot', image, '--json']);
  expect(status).toBe(2);
  expect(stdout.lines.map((line) => JSON.parse(line))).toMatchObject([{ v: 1, type: 'build.failed', error: { code: 'ICT_BOOT_IMAGE' } }]);
});

it('a template in place of an image is a mistake, and nothing is started', async () => {
  const { status, stderr } = await ict(['boot', 'a.yml']);
  expect([status, stderr.text]).toEqual([2, expect.stringContaining('`ict build a.yml`') as string]);
});

it('an image of another architecture is started in a machine of that', async () => {
  const image = join(directory, 'a.raw');
  await writeFile(image, 'not a disk');
  const path = process.env.PATH;
  process.env.PATH = directory;
  try {
    const { status, stderr } = await ict(['boot', image, '--arch', 'aarch64']);
    expect(stderr.text).toContain('qemu-system-aarch64 is not installed');
    expect(status).toBe(7);
  } finally {
    process.env.PATH = path;
  }
});

it('where the disk of temporary files is full, it says which, and what to do', async () => {
  await writeFile(join(directory, 'a.raw'), 'not a disk');
  await mkdir(join(directory, 'full'));
  const env = { ICT_TEMP_DIR: join(directory, 'full'), HOME: directory };
  const { status, stderr } = ictWithFullDisk(
    env.ICT_TEMP_DIR,
    ['boot', join(directory, 'a.raw'), '--arch', 'x86_64', '--accel', 'tcg'],
    env,
  );
  expect([status, stderr]).toEqual([7, expect.stringMatching(/ICT_BOOT_TEMPORARY.*full.*its disk is full/) as string]);
  expect(stderr).toContain('temp_dir');
});

describe('with Secure Boot', () => {
  /** Debian's, in which a key for tests is enrolled, and the one without. */
  const OVMF = '/usr/share/OVMF';
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    environment = { ...process.env };
    process.env.PATH = `${directory}:${environment.PATH}`;
    process.env.XDG_CONFIG_HOME = directory;
    await writeFile(join(directory, 'a.raw'), 'not a disk');
    await copyFile(join(OVMF, 'OVMF_VARS_4M.snakeoil.fd'), join(directory, 'mine.fd'));
    const file = (name: string) => ({ filename: join(directory, name), format: 'raw' });
    const mapping = { device: 'flash', executable: file('code.fd'), 'nvram-template': file('mine.fd') };
    const targets = [{ architecture: 'x86_64', machines: ['pc-q35-*'] }];
    const descriptor = { 'interface-types': ['uefi'], mapping, targets, features: ['secure-boot', 'requires-smm'] };
    await writeFile(join(directory, 'code.fd'), '');
    await mkdir(join(directory, 'qemu/firmware'), { recursive: true });
    await writeFile(join(directory, 'qemu/firmware/00-test.json'), JSON.stringify(descriptor));
  });
  afterEach(() => {
    process.env = environment;
  });

  const booted = async (script: string, ...flags: readonly string[]) => {
    const qemu = join(directory, 'qemu-system-x86_64');
    await writeFile(qemu, `#!/bin/sh\necho "$*" >> '${directory}/arguments'\n${script}\n`);
    await chmod(qemu, 0o755);
    return ict(['boot', join(directory, 'a.raw'), '--accel', 'tcg', '--secure-boot', ...flags]);
  };

  it('an image is started by firmware of which a descriptor says that it can, with the variables that a flag names', async () => {
    const { status, stdout, stderr } = await booted('echo login:', '--firmware-vars', join(OVMF, 'OVMF_VARS_4M.ms.fd'));
    expect(status, stderr.text).toBe(0);
    expect(stdout.text + stderr.text).toContain('(tcg, Secure Boot)');
    expect(await readFile(join(directory, 'arguments'), 'utf8')).toContain(`file=${directory}/code.fd`);
  });

  it('what the firmware refuses is a fault of integrity, and its console is shown', async () => {
    const { status, stderr } = await booted('echo "BdsDxe: failed to load Boot0001 from a disk: Access Denied"');
    expect(stderr.text).toContain('ICT_BOOT_REFUSED');
    expect(status).toBe(5);
  });

  it('variables that leave it off are a mistake, and nothing starts', async () => {
    const { status, stderr } = await booted('echo login:', '--firmware-vars', join(OVMF, 'OVMF_VARS_4M.fd'));
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_BOOT_VARIABLES') as string]);
    await expect(readFile(join(directory, 'arguments'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

it('an image that ends before the text appeared is a failed command, and its console is shown', async () => {
  const image = join(directory, 'a.raw');
  await writeFile(image, 'not a disk');
  const qemu = join(directory, 'qemu-system-x86_64');
  await writeFile(qemu, '#!/bin/sh\necho Linux version 0\nprintf "Press Enter: "\nexit 1\n');
  await chmod(qemu, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${directory}:${path}`;
  try {
    const { status, stderr } = await ict(['boot', image, '--accel', 'tcg']);
    expect(stderr.text).toContain('Linux version 0\nPress Enter: \nerror ICT_BOOT_EXITED');
    expect(status).toBe(8);
  } finally {
    process.env.PATH = path;
  }
});
