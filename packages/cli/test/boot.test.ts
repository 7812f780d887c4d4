import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ict } from './fixture.js';

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

it('an image that ends before the text appeared is a failed command, and its console is shown', async () => {
  const image = join(directory, 'a.raw');
  await writeFile(image, 'not a disk');
  const qemu = join(directory, 'qemu-system-x86_64');
  await writeFile(qemu, '#!/bin/sh\necho Linux version 0\nexit 1\n');
  await chmod(qemu, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${directory}:${path}`;
  try {
    const { status, stderr } = await ict(['boot', image, '--accel', 'tcg']);
    expect(stderr.text).toContain('Linux version 0');
    expect(stderr.text).toContain('ICT_BOOT_EXITED');
    expect(status).toBe(8);
  } finally {
    process.env.PATH = path;
  }
});
