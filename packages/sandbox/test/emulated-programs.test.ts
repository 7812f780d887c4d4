import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostArchitecture, type Architecture } from '@ict/plugin-api';
import { exitProgram, tryArchitecture } from '../src/emulated-programs.js';
import { programPath } from '../src/programs.js';

const path = programPath(process.env['PATH']);
const user = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user'];

it('the program of this machine runs in a tree that has nothing else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'ict-elf-test-'));
  try {
    const own = hostArchitecture() as Architecture;
    expect(await tryArchitecture(own, root, user, path, undefined)).toEqual({ ok: true, message: '' });
  } finally {
    await rm(root, { recursive: true });
  }
});

it.each([
  ['x86_64', 'ELF64', 'Advanced Micro Devices X86-64'],
  ['aarch64', 'ELF64', 'AArch64'],
  ['armv7hl', 'ELF32', 'ARM'],
] as const)('the program of %s is one of its kind, for readelf', async (architecture, format, machine) => {
  const directory = await mkdtemp(join(tmpdir(), 'ict-elf-test-'));
  try {
    const file = join(directory, 'program');
    await writeFile(file, exitProgram(architecture));
    const { stdout, stderr } = await promisify(execFile)('readelf', ['--wide', '--file-header', '--segments', file]);
    expect(stderr).toBe('');
    const entry = /Entry point address: +0x([0-9a-f]+)/.exec(stdout)?.[1] ?? '';
    expect([/Class: +(\S+)/.exec(stdout)?.[1], /Machine: +(.*)/.exec(stdout)?.[1]]).toEqual([format, machine]);
    expect(stdout).toMatch(/LOAD .* R E 0x10000/);
    expect(Number.parseInt(entry, 16)).toBeGreaterThan(0x40_0000);
  } finally {
    await rm(directory, { recursive: true });
  }
});
