import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AskedLibraries } from '../src/install/asked-libraries.js';
import { readLibraryNeeds } from '../src/install/library-needs.js';
import { elfFile } from './elf-file.js';

const NOTHING = { name: undefined, needed: [] };

describe('what a file says of libraries', () => {
  it.each([
    ['a program', { name: undefined, needed: ['librpm.so.10', 'libc.so.6'] }],
    ['a library', { name: 'librpm.so.10', needed: ['libc.so.6'] }],
    ['one that needs no other', { name: 'ld-linux-x86-64.so.2', needed: [] }],
  ])('%s', (_what, needs) => {
    expect(readLibraryNeeds(elfFile(needs))).toEqual(needs);
  });

  it.each([
    ['a script', Buffer.from('#!/bin/sh\n'.repeat(20))],
    ['an empty file', Buffer.alloc(0)],
    ['a program of 32 bits', elfFile({ name: undefined, needed: ['libc.so.6'] }).fill(1, 4, 5)],
    ['a program of another byte order', elfFile({ name: undefined, needed: ['libc.so.6'] }).fill(2, 5, 6)],
    ['one whose names lie nowhere', elfFile({ name: undefined, needed: ['libc.so.6'] }).fill(0, 64, 120)],
  ])('nothing in %s', (_what, bytes) => {
    expect(readLibraryNeeds(bytes)).toEqual(NOTHING);
  });

  it('is not a name that no file can have', () => {
    expect(readLibraryNeeds(elfFile({ name: undefined, needed: ['', 'libc.so.6'] })).needed).toEqual(['libc.so.6']);
    const whole = elfFile({ name: undefined, needed: ['liba.so.1', 'libc.so.6'] });
    expect(readLibraryNeeds(Buffer.concat([whole.fill('a', 0x30b), Buffer.alloc(1024, 'a'), Buffer.alloc(1)])).needed).toEqual([
      'liba.so.1',
    ]);
  });

  it('is bounded, however long the file says that it is', () => {
    const sizeBytes = 2 ** 20;
    const elf = Buffer.alloc(sizeBytes);
    elfFile({ name: undefined, needed: ['liba.so.1'] }).copy(elf);
    const [dynamic, entries] = [64 + 56, 0x100];
    elf.copy(elf, sizeBytes / 2, entries, entries + 32); // one that is needed, and where the names are
    elf.writeBigUInt64LE(BigInt(sizeBytes / 2), dynamic + 8);
    elf.writeBigUInt64LE(BigInt(sizeBytes / 2), dynamic + 32);
    for (let at = sizeBytes / 2 + 32; at < sizeBytes; at += 16) elf.copy(elf, at, entries, entries + 16);
    expect(readLibraryNeeds(elf).needed).toHaveLength(4095);
  });

  it('is read from damaged files, too, without a failure', () => {
    const whole = elfFile({ name: 'liba.so.1', needed: ['libc.so.6'] });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const damaged = Buffer.from(whole);
        for (const [at, byte] of changes) damaged[at] = byte;
        expect(Array.isArray(readLibraryNeeds(damaged.subarray(0, length)).needed)).toBe(true);
      }),
    );
  });
});

describe('libraries that programs ask for', () => {
  it('are those of the programs and of libraries that are asked for themselves, in whatever order they are seen', () => {
    const asked = new AskedLibraries();
    asked.addLibrary('libb.so.2.0', { name: 'libb.so.2', needed: ['libc.so.6'] });
    asked.addLibrary('other.so.1', { name: undefined, needed: ['libother.so.1'] });
    expect([asked.has('libb.so.2'), asked.size]).toEqual([false, 0]);
    asked.addProgram({ needed: ['liba.so.1', 'libb.so.2'], name: undefined });
    asked.addLibrary('liba.so.1', { name: undefined, needed: ['libd.so.4', 'liba.so.1'] });
    expect(['liba.so.1', 'libb.so.2', 'libc.so.6', 'libd.so.4'].filter((name) => !asked.has(name))).toEqual([]);
    expect(asked.size).toBe(4);
  });

  it('are those of each file that has a name, be it its own or that of the file, and what links lead to', () => {
    const asked = new AskedLibraries(['liba.so.1', 'libb.so.1']);
    asked.addLibrary('liba.so.1', { name: undefined, needed: ['liba.so.1.2'] });
    asked.addLibrary('liba.so.1.2', { name: 'libother.so.1', needed: ['libc.so.6'] });
    asked.addLibrary('libb.so.1', { name: undefined, needed: ['libd.so.1'] });
    asked.addLibrary('libb.so.1', { name: undefined, needed: [] });
    expect(['liba.so.1.2', 'libc.so.6', 'libd.so.1'].filter((name) => !asked.has(name))).toEqual([]);
    expect(asked.size).toBe(5);
  });

  it('may need one another in a long row', () => {
    const asked = new AskedLibraries();
    const count = 20_000;
    for (let each = 0; each < count; each++) asked.addLibrary(`lib${each}.so.1`, { name: undefined, needed: [`lib${each + 1}.so.1`] });
    asked.addProgram({ name: undefined, needed: ['lib0.so.1'] });
    expect(asked.size).toBe(count + 1);
  });

  it.each(['/bin/sh', '/usr/bin/rpm', process.execPath])('are for %s those that the loader loads', (program) => {
    const loaded = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    const asked = new AskedLibraries();
    asked.addProgram(readLibraryNeeds(readFileSync(program)));
    for (const file of loaded) asked.addLibrary(basename(file), readLibraryNeeds(readFileSync(realpathSync(file))));
    expect(loaded.map((file) => basename(file)).filter((name) => !asked.has(name))).toEqual([]);
    expect(asked.size).toBe(loaded.length);
  });
});
