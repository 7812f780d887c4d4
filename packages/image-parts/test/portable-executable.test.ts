import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { efiProgram, execute } from '@ict/fixtures';
import { appendSections, readPortableExecutable, type AddedSection } from '../src/portable-executable.js';

const refuse = (reason: string): Error => new Error(reason);

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'program-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A program with these sections, and their contents at their places. */
function extended(program: Buffer, contents: Readonly<Record<string, Buffer>>): Buffer {
  const added = Object.entries(contents).map(([name, { length }]): AddedSection => ({ name, sizeBytes: length }));
  const { head, offsets, sizeBytes } = appendSections(program, added, refuse);
  const file = Buffer.concat([head], sizeBytes);
  for (const [index, content] of Object.values(contents).entries()) content.copy(file, offsets[index]);
  return file;
}

describe('appended sections', () => {
  const contents = { '.osrel': Buffer.from('ID=test\n'), '.cmdline': Buffer.from('quiet'), '.initrd': Buffer.alloc(70_001, 'initrd') };

  it('are what binutils finds', async () => {
    const file = join(directory(), 'program.efi');
    writeFileSync(file, extended(efiProgram(), contents));
    const { stdout } = await execute('objdump', ['-h', file]);
    const rows = [...stdout.matchAll(/^ *\d+ (\S+) +([0-9a-f]+) +([0-9a-f]+) /gmu)];
    expect(rows.map(([, name, size, address]) => [name, Number.parseInt(size!, 16), address])).toEqual([
      ['.text', 3, '0000000140001000'],
      ['.sbat', 12, '0000000140002000'],
      ['.osrel', 8, '0000000140003000'],
      ['.cmdline', 5, '0000000140004000'],
      ['.initrd', 70_001, '0000000140005000'],
    ]);
    for (const [name, content] of Object.entries(contents)) {
      const { exitCode } = await execute('objcopy', ['-O', 'binary', '--dump-section', `${name}=${file}${name}`, file, '/dev/null']);
      expect([name, exitCode]).toEqual([name, 0]);
      expect(readFileSync(file + name).equals(content)).toBe(true);
    }
  });

  it('lie at pages of memory, one after another, and the size of the image is behind the last', () => {
    const program = extended(efiProgram(), contents);
    const { sections } = readPortableExecutable(program, program.length, refuse);
    for (const [index, { address }] of sections.entries()) {
      expect(address % 4096).toBe(0);
      const before = sections[index - 1];
      if (before !== undefined) expect(address).toBeGreaterThanOrEqual(before.address + before.memoryBytes);
    }
    const last = sections.at(-1)!;
    expect(program.readUInt32LE(0x40 + 24 + 56)).toBe(Math.ceil((last.address + last.memoryBytes) / 4096) * 4096);
    expect(last.content.offset + last.content.length).toBe(program.length);
  });

  it('take the place of what lay behind the sections, and nothing says that it is there', () => {
    const program = extended(efiProgram({ trailing: Buffer.alloc(100, 'symbols') }), contents);
    expect(program.equals(extended(efiProgram(), contents))).toBe(true);
    expect(program.includes('symbols')).toBe(false);
  });

  it('need room in the headers', () => {
    const added = (count: number): AddedSection[] => Array.from({ length: count }, (_, index) => ({ name: `.${index}`, sizeBytes: 1 }));
    const room = Math.floor((512 - (0x40 + 264 + 80)) / 40);
    expect(appendSections(efiProgram({ room: 0 }), added(room), refuse).offsets).toHaveLength(room);
    expect(() => appendSections(efiProgram({ room: 0 }), added(room + 1), refuse)).toThrow(`no room for ${room + 1} more sections`);
  });

  it('must be new, and must not make the program too large', () => {
    expect(() => appendSections(efiProgram(), [{ name: '.sbat', sizeBytes: 1 }], refuse)).toThrow('has a section .sbat already');
    expect(() => appendSections(efiProgram(), [{ name: '.linux', sizeBytes: 2 ** 32 - 4096 }], refuse)).toThrow('4 GiB or more');
  });
});

describe('a file that is no program', () => {
  const change = (at: number, bytes: readonly number[]): Buffer => {
    const program = efiProgram();
    program.set(bytes, at);
    return program;
  };

  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'it ends within its headers'],
    ['a text', Buffer.alloc(1000, 'text'), 'it does not begin with "MZ"'],
    ['a program of DOS', Buffer.concat([Buffer.from('MZ')], 1000), 'it has no PE header'],
    ['headers far away', change(0x3c, [0xff, 0xff, 0xff, 0xff]), 'it ends within its headers'],
    ['PE32', change(0x40 + 24, [0x0b, 0x01]), 'it is no PE32+ program'],
    ['no directory of signatures', change(0x40 + 24 + 108, [4]), 'it has no place for signatures'],
    ['no sections', change(0x40 + 6, [0]), 'it has no sections'],
    ['too many sections', change(0x40 + 6, [0xff, 0xff]), 'it ends within its headers'],
    ['an odd alignment', change(0x40 + 24 + 36, [0xff]), 'its alignment is no power of two'],
    ['short headers', change(0x40 + 24 + 60, [0, 1]), 'its headers have a wrong size'],
    ['a short file', efiProgram().subarray(0, -1), 'it ends within its section .sbat'],
    ['signatures elsewhere', change(0x40 + 24 + 144, [8, 0, 0, 0, 8, 0, 0, 0]), 'its signatures are not at its end'],
  ])('is refused: %s', (_what, bytes, reason) => {
    expect(() => readPortableExecutable(bytes, bytes.length, refuse)).toThrow(reason);
  });

  it('is refused, or read, whatever its bytes are', () => {
    const damaged = fc.array(fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 12 });
    const known = new Error('refused');
    fc.assert(
      fc.property(damaged, (changes) => {
        const program = efiProgram();
        for (const [at, byte] of changes) program[at] = byte;
        try {
          appendSections(program, [{ name: '.linux', sizeBytes: 10 }], () => known);
        } catch (error) {
          expect(error).toBe(known);
        }
      }),
    );
  });
});
