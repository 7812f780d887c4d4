import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '@ict/plugin-api';
import { tryProgram, type Trial } from './trial.js';

/** Makers of programs by the machine code of `exit(0)`. */
const PROGRAMS: Readonly<Record<Architecture, () => Buffer>> = {
  // xor edi, edi; mov eax, 60; syscall
  x86_64: () => elf64(0x3e, '31ffb83c0000000f05'),
  // mov x0, #0; mov x8, #93; svc #0
  aarch64: () => elf64(0xb7, '000080d2a80b80d2010000d4'),
  // mov r0, #0; mov r7, #1; svc #0
  armv7hl: () => elf32(0x28, '0000a0e30170a0e3000000ef'),
};

/**
 * Starts a program of an architecture in a tree that has nothing else, as programs of images are started. One of another architecture than this
 * machine's runs where the kernel knows an emulator for it that it opened beforehand (binfmt_misc with flag F).
 *
 * @param root an empty directory, which becomes that tree.
 * @param user flags of unshare that give rights to change the root.
 */
export async function tryArchitecture(
  architecture: Architecture,
  root: string,
  user: readonly string[],
  path: string,
  signal: AbortSignal | undefined,
): Promise<Trial> {
  const program = join(root, 'program');
  await writeFile(program, exitProgram(architecture));
  await chmod(program, 0o755);
  return tryProgram(['unshare', ...user, `--root=${root}`, '--', '/program'], path, signal);
}

/** A program of an architecture that does nothing, and succeeds. */
export function exitProgram(architecture: Architecture): Buffer {
  return PROGRAMS[architecture]();
}

/** Where segments begin, in memory: a multiple of the largest page. */
const SEGMENT_ADDRESS = 0x40_0000;
const PAGE_BYTES_MAX = 0x1_0000;

/** A program of one segment, itself. @param machine its number in ELF. @param code in hexadecimal. @see elf(5) */
function elf64(machine: number, code: string): Buffer {
  const headers = Buffer.alloc(64 + 56);
  identify(headers, 2, machine);
  headers.writeBigUInt64LE(BigInt(SEGMENT_ADDRESS + headers.length), 24);
  headers.writeBigUInt64LE(64n, 32);
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  const whole = Buffer.concat([headers, Buffer.from(code, 'hex')]);
  whole.writeUInt32LE(1, 64); // to be loaded
  whole.writeUInt32LE(5, 68); // read and executed
  for (const at of [80, 88]) whole.writeBigUInt64LE(BigInt(SEGMENT_ADDRESS), at);
  for (const at of [96, 104]) whole.writeBigUInt64LE(BigInt(whole.length), at);
  whole.writeBigUInt64LE(BigInt(PAGE_BYTES_MAX), 112);
  return whole;
}

/** The same in 32 bits. */
function elf32(machine: number, code: string): Buffer {
  const headers = Buffer.alloc(52 + 32);
  identify(headers, 1, machine);
  headers.writeUInt32LE(SEGMENT_ADDRESS + headers.length, 24);
  headers.writeUInt32LE(52, 28);
  headers.writeUInt32LE(0x0500_0000, 36); // EABI 5
  headers.writeUInt16LE(52, 40);
  headers.writeUInt16LE(32, 42);
  headers.writeUInt16LE(1, 44);
  const whole = Buffer.concat([headers, Buffer.from(code, 'hex')]);
  whole.writeUInt32LE(1, 52);
  for (const at of [60, 64]) whole.writeUInt32LE(SEGMENT_ADDRESS, at);
  for (const at of [68, 72]) whole.writeUInt32LE(whole.length, at);
  whole.writeUInt32LE(5, 76);
  whole.writeUInt32LE(PAGE_BYTES_MAX, 80);
  return whole;
}

/** Writes how a program of ELF, of the first version and lowest bytes first, begins. @param bits 1 for 32, 2 for 64. */
function identify(headers: Buffer, bits: 1 | 2, machine: number): void {
  headers.write('\x7fELF', 'latin1');
  headers.set([bits, 1, 1], 4);
  headers.writeUInt16LE(2, 16);
  headers.writeUInt16LE(machine, 18);
  headers.writeUInt32LE(1, 20);
}
