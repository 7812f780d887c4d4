import type { LibraryNeeds } from '../src/install/library-needs.js';

/** Where the parts lie: numbers whose bytes are all ASCII, so that the file can be written as text. */
const DYNAMIC_AT = 0x100;
const STRINGS_AT = 0x300;
/** Where the file lies in memory. */
const ADDRESS = 0x10000;

/** An ELF file that says of libraries what is asked for, and nothing else. */
export function elfFile({ name, needed }: LibraryNeeds): Buffer {
  const elf = Buffer.alloc(0x400);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(2, 56);
  const segment = (at: number, type: number, offset: number): void => {
    elf.writeUInt32LE(type, at);
    [offset, ADDRESS + offset, 0, 0x100].forEach((value, i) => elf.writeBigUInt64LE(BigInt(value), at + 8 + i * 8));
  };
  segment(64, 1, STRINGS_AT);
  segment(64 + 56, 2, DYNAMIC_AT);
  const names = [...needed.map((library) => [1, library] as const), ...(name === undefined ? [] : [[14, name] as const])];
  let [entry, text] = [DYNAMIC_AT, 1];
  const add = (tag: number, value: number): void => {
    elf.writeBigUInt64LE(BigInt(tag), entry);
    elf.writeBigUInt64LE(BigInt(value), entry + 8);
    entry += 16;
  };
  for (const [tag, library] of names) {
    add(tag, text);
    text += elf.write(library, STRINGS_AT + text, 'latin1') + 1;
  }
  add(5, ADDRESS + STRINGS_AT);
  return elf;
}
