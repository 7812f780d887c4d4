import { mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssemblyModule, PAGE_BYTES, type AssemblyExports } from '../src/index.js';

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = `
import { Bytes, bytes, Numbers, numbers, numbersAt, zeros } from '../../../assembly/columns';
import { reserve } from '../../../assembly/memory';

declare function heard(value: u32): void;

let column: Numbers = numbers(1);
let text: Bytes = bytes(1);

export function push(value: u32): u32 {
  column.push(value);
  heard(value);
  return column.length;
}

export function at(place: u32): u32 {
  return column.at(place);
}

export function same(place: u32): u32 {
  return numbersAt(column.start, column.length).at(place);
}

export function write(count: u32, byte: u8): u32 {
  text.require(count);
  const before = text.length;
  for (let i: u32 = 0; i < count; i++) text.push(byte);
  return text.length - before;
}

export function byteAt(place: u32): u32 {
  return load<u8>(text.start + place);
}

export function sumOfZeros(count: u32): u32 {
  const some = zeros(count);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) sum += some.at(i);
  return sum;
}

export function room(sizeBytes: u32): usize {
  return reserve(sizeBytes);
}
`;

interface Sample extends AssemblyExports {
  push(value: number): number;
  at(place: number): number;
  same(place: number): number;
  write(count: number, byte: number): number;
  byteAt(place: number): number;
  sumOfZeros(count: number): number;
  room(sizeBytes: number): number;
}

/** In the package, as sources name what they share by its place; where nobody looks for sources. */
let directory: string;
let module: AssemblyModule<Sample>;

beforeAll(async () => {
  directory = mkdtempSync(join(PACKAGE, 'dist', 'sample-'));
  mkdirSync(join(directory, 'assembly'));
  writeFileSync(join(directory, 'assembly', 'sample.ts'), SOURCE);
  mkdirSync(join(directory, 'src', 'compiled'), { recursive: true });
  writeFileSync(join(directory, 'src', 'compiled', 'earlier-module.ts'), '');
  execFileSync(process.execPath, [join(PACKAGE, 'scripts', 'compile.mjs'), 'sample'], { cwd: directory });
  const compiled = (await import(join(directory, 'src', 'compiled', 'sample-module.ts'))) as { readonly SAMPLE_MODULE: string };
  module = new AssemblyModule(compiled.SAMPLE_MODULE);
});
afterAll(() => rmSync(directory, { recursive: true }));

const full = (): never => {
  throw new RangeError('no memory');
};

const instance = (heard: (value: number) => void = () => undefined, pages = {}): Sample =>
  module.instance({ sample: { heard } }, full, pages);

describe('a module of AssemblyScript', () => {
  it('is made in place of those of earlier names', () => {
    expect(readdirSync(join(directory, 'src', 'compiled'))).toEqual(['sample-module.ts']);
  });

  it('keeps numbers and bytes as they come, however much memory that takes', () => {
    const sample = instance();
    const values = Array.from({ length: 100_000 }, (_, i) => (i * 2_654_435_761) >>> 0);
    for (const value of values) sample.push(value);
    expect(sample.memory.buffer.byteLength).toBeGreaterThan(PAGE_BYTES);
    expect(values.map((_, i) => sample.at(i) >>> 0)).toEqual(values);
    expect(sample.same(77) >>> 0).toBe(values[77]);
    expect([sample.write(3, 7), sample.write(100_000, 9), sample.byteAt(2), sample.byteAt(3), sample.byteAt(100_002)]).toEqual([
      3, 100_000, 7, 9, 9,
    ]);
    expect(sample.sumOfZeros(50_000)).toBe(0);
  });

  it('has memory of its own in each instance', () => {
    const [one, other] = [instance(), instance()];
    one.push(1);
    expect([one.push(2), other.push(3), other.at(0)]).toEqual([2, 1, 3]);
  });

  it('passes on what the caller throws, in the middle of a call, and goes on afterwards', () => {
    const sample = instance((value) => {
      if (value === 2) throw new Error('two');
    });
    expect(sample.push(1)).toBe(1);
    expect(() => sample.push(2)).toThrow('two');
    expect([sample.push(3), sample.at(1)]).toEqual([3, 2]);
  });

  it('has the memory that it is given at first, and no more than it may have', () => {
    const sample = instance(undefined, { first: 8, most: 8 });
    expect(sample.memory.buffer.byteLength).toBe(8 * PAGE_BYTES);
    expect(sample.room(4 * PAGE_BYTES)).toBeGreaterThan(0);
    expect(() => sample.room(8 * PAGE_BYTES)).toThrow('no memory');
  });

  it('is refused with the place of what does not compile', () => {
    writeFileSync(join(directory, 'assembly', 'wrong.ts'), 'export function f(): u32 {\n  return "text";\n}\n');
    expect(() =>
      execFileSync(process.execPath, [join(PACKAGE, 'scripts', 'compile.mjs'), 'wrong'], { cwd: directory, stdio: 'pipe' }),
    ).toThrow(/wrong\.ts\(2,10\)/);
  });
});
