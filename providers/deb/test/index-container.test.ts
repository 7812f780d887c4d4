import { readFileSync } from 'node:fs';
import { decodeSections, encodeSections } from '@ict/package-index';
import { describe, expect, it } from 'vitest';
import { CONTAINER, decodeDirectory, encodeDirectory } from '../src/metadata/index-container.js';
import { readDirectory } from '../src/metadata/index-directory.js';
import { TextInMemory } from '../src/metadata/index-text.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';

const bookworm = readFileSync(new URL('fixtures/bookworm-packages', import.meta.url));
const broken = Buffer.from('Package: x\nVersion: 1\n');
const encoded = (bytes: Uint8Array): Uint8Array => encodeDirectory(readDirectory(new TextInMemory(bytes), []));

const whole = decodeSections(CONTAINER, encoded(bookworm));

describe('encodeDirectory', () => {
  it('keeps everything that finds packages', () => {
    const text = new TextInMemory(Buffer.concat([bookworm, Buffer.from('\n\n'), broken]));
    const read = readDirectory(text, [{ path: 'Packages', offset: 0 }]);
    const [before, after] = [new PackagesIndex(read, text), new PackagesIndex(decodeDirectory(encodeDirectory(read)), text)];
    expect(after.count).toBe(before.count);
    expect(before.diagnostics.length).toBe(1);
    expect(after.diagnostics).toEqual(before.diagnostics);
    const provided = new Set<string>();
    for (let i = 0; i < before.count; i++) {
      expect([after.name(i), after.version(i), after.arch(i)]).toEqual([before.name(i), before.version(i), before.arch(i)]);
      expect(after.record(i, 'r')).toEqual(before.record(i, 'r'));
      expect([after.essential(i), after.protected(i), after.multiArch(i), after.priority(i)]).toEqual([
        before.essential(i),
        before.protected(i),
        before.multiArch(i),
        before.priority(i),
      ]);
      expect([...after.byName(before.name(i))]).toEqual([...before.byName(before.name(i))]);
      for (const { name } of before.provides(i)) provided.add(name);
    }
    expect(provided.size).toBeGreaterThan(5);
    for (const name of provided) expect([...after.providersOf(name)]).toEqual([...before.providersOf(name)]);
  });

  it('is a function of the text', () => {
    expect(encoded(bookworm)).toEqual(encoded(bookworm));
  });

  it('survives an index without packages', () => {
    const index = new PackagesIndex(decodeDirectory(encoded(Buffer.alloc(0))), new TextInMemory(Buffer.alloc(0)));
    expect([index.count, [...index.byName('a')]]).toEqual([0, []]);
  });

  it.each([
    ['no columns', {}],
    ['one column alone', { starts: new Uint32Array(1) }],
    ['too few flags', { ...whole, flags: new Uint8Array(2) }],
    ['too few architectures', { ...whole, archs: new Uint32Array(1) }],
    ['packages without an end', { ...whole, stops: new Uint32Array(1) }],
    ['packages without a name', { ...whole, keys: new Uint32Array(1) }],
    ['packages without a version', { ...whole, versions: new Uint32Array(1) }],
    ['names without a length', { ...whole, 'names.lengths': new Uint32Array(1) }],
    ['names without packages', { ...whole, 'names.ends': new Uint32Array(1) }],
    ['provided names of another number', { ...whole, provideEnds: new Uint32Array(1) }],
    ['provided names that end elsewhere', { ...whole, provideRows: new Uint32Array(1) }],
    ['numbers as bytes', { ...whole, versions: new Uint8Array(1) }],
  ])('refuses %s', (_, sections) => {
    expect(() => decodeDirectory(encodeSections(CONTAINER, sections))).toThrow(
      expect.objectContaining({ code: 'ICT_PACKAGE_INDEX_INVALID' }),
    );
  });
});
