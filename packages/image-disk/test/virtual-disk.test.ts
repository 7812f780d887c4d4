import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '@ict/plugin-api';
import { execute } from '@ict/fixtures';
import { isVirtualDisk, virtualDisks, type VirtualDiskType } from '../src/virtual-disk.js';
import { settleIdentity } from '../src/virtual-disk-identity.js';
import { MIB, SEED } from './support/specs.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ict-virtual-disk-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function converted(type: VirtualDiskType, size = 8 * MIB): Promise<string> {
  const [raw, file] = [join(directory, 'raw'), join(directory, `disk.${type}`)];
  writeFileSync(raw, 'some data');
  truncateSync(raw, size);
  const { format, options } = virtualDisks[type];
  const { exitCode, stderr } = await execute('qemu-img', ['convert', '-f', 'raw', '-O', format, '-o', options, raw, file]);
  expect([exitCode, stderr]).toEqual([0, '']);
  return file;
}

const types = ['vhd', 'vhdx', 'vmdk', 'vdi'] as const;
const other = `sha256:${'11'.repeat(32)}` as Digest;

describe('the identity of a virtual disk', () => {
  it.each(types)('of a %s is that of the disk in it', async (type) => {
    const file = await converted(type);
    await settleIdentity(type, file, SEED);
    const first = readFileSync(file);
    await settleIdentity(type, file, other);
    expect(readFileSync(file).equals(first)).toBe(false);
    await settleIdentity(type, file, SEED);
    expect(readFileSync(file).equals(first)).toBe(true);
    const { format } = virtualDisks[type];
    expect((await execute('qemu-img', ['info', '-f', format, file])).stdout).toContain('virtual size: 8 MiB');
  });

  it.each(['vhdx', 'vdi'] as const)('of a %s leaves it sound', async (type) => {
    const file = await converted(type);
    await settleIdentity(type, file, SEED);
    expect((await execute('qemu-img', ['check', '-f', virtualDisks[type].format, file])).stdout).toContain('No errors were found');
  });

  it('of a qcow2 does not exist', async () => {
    const file = await converted('qcow2');
    const before = readFileSync(file);
    await settleIdentity('qcow2', file, SEED);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('keeps a disk whose size is no number of cylinders', async () => {
    const file = await converted('vhd', 8 * MIB + 512);
    await settleIdentity('vhd', file, SEED);
    expect((await execute('qemu-img', ['info', '--output=json', '-f', 'vpc', file])).stdout).toContain(`"virtual-size": ${8 * MIB + 512}`);
  });

  it.each(types.flatMap((type) => [0, 10, 4096, 4 * MIB].map((length) => [type, length] as const)))(
    'is not written into what is no %s: %i bytes',
    async (type, length) => {
      const file = join(directory, 'rubbish');
      writeFileSync(file, Buffer.alloc(length, 7));
      await expect(settleIdentity(type, file, SEED)).rejects.toMatchObject({ code: 'ICT_DISK_CONVERSION', kind: 'command' });
      expect(readFileSync(file).equals(Buffer.alloc(length, 7))).toBe(true);
    },
  );

  it('is not written into a VHDX whose log holds changes', async () => {
    const file = await converted('vhdx');
    const bytes = readFileSync(file);
    bytes.fill(1, 64 * 1024 + 48, 64 * 1024 + 64);
    writeFileSync(file, bytes);
    await expect(settleIdentity('vhdx', file, SEED)).rejects.toMatchObject({ code: 'ICT_DISK_CONVERSION' });
  });
});

it.each([
  ['vhdx', true],
  ['raw', false],
  ['tar', false],
] as const)('%s is made by qemu-img: %s', (type, expected) => {
  expect(isVirtualDisk(type)).toBe(expected);
});
