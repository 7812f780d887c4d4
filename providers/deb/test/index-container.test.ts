import { readFileSync } from 'node:fs';
import { decodeSections, encodeSections } from '@ict/package-index';
import { describe, expect, it } from 'vitest';
import { readColumns } from '../src/metadata/index-columns.js';
import { CONTAINER, decodeColumns, encodeColumns } from '../src/metadata/index-container.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { INDEXED_FIELDS } from '../src/metadata/stanza-scan.js';

const bookworm = readFileSync(new URL('fixtures/bookworm-packages', import.meta.url));
const RELATIONS = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Suggests', 'Replaces'] as const;
const broken = Buffer.from('Package: x\nVersion: 1\n');

const whole = decodeSections(CONTAINER, encodeColumns(readColumns(bookworm, [])));

describe('encodeColumns', () => {
  it('keeps everything that an index tells', () => {
    const bytes = Buffer.concat([bookworm, Buffer.from('\n\n'), broken]);
    const read = readColumns(bytes, [{ path: 'Packages', offset: 0 }]);
    const container = encodeColumns(read);
    const [before, after] = [new PackagesIndex(read), new PackagesIndex(decodeColumns(container))];
    expect(after.count).toBe(before.count);
    expect(before.diagnostics.length).toBe(1);
    expect(after.diagnostics).toEqual(before.diagnostics);
    const provided = new Set<string>();
    for (let i = 0; i < before.count; i++) {
      for (const field of INDEXED_FIELDS) expect(after.field(i, field)).toBe(before.field(i, field));
      expect(after.record(i, 'r')).toEqual(before.record(i, 'r'));
      expect([after.essential(i), after.protected(i), after.multiArch(i), after.priority(i)]).toEqual([
        before.essential(i),
        before.protected(i),
        before.multiArch(i),
        before.priority(i),
      ]);
      expect([...after.byName(before.name(i))]).toEqual([...before.byName(before.name(i))]);
      expect([after.arch(i), after.provides(i)]).toEqual([before.arch(i), before.provides(i)]);
      for (const field of RELATIONS) expect(after.relations(i, field)).toEqual(before.relations(i, field));
      for (const { name } of before.provides(i)) provided.add(name);
    }
    expect(provided.size).toBeGreaterThan(5);
    for (const name of provided) expect([...after.providersOf(name)]).toEqual([...before.providersOf(name)]);
  });

  it('is a function of the columns', () => {
    expect(encodeColumns(readColumns(bookworm, []))).toEqual(encodeColumns(readColumns(bookworm, [])));
  });

  it('survives an index without packages', () => {
    const index = new PackagesIndex(decodeColumns(encodeColumns(readColumns(Buffer.alloc(0), []))));
    expect([index.count, [...index.byName('a')]]).toEqual([0, []]);
  });

  it.each([
    ['no columns', {}],
    ['one column alone', { fields: new Uint32Array(1) }],
    ['too few flags', { ...whole, flags: new Uint8Array(2) }],
    ['too few architectures', { ...whole, archs: new Uint32Array(1) }],
    ['lists of another number of fields', { ...whole, lists: new Uint32Array(7) }],
    ['groups without a length', { ...whole, lengths: new Uint32Array(1) }],
    ['lists that end elsewhere', { ...whole, members: new Uint32Array(1) }],
    ['packages without a name', { ...whole, packageNames: new Uint32Array(1) }],
    ['alternatives without a version', { ...whole, versions: new Uint32Array(1) }],
    ['groups that end elsewhere', { ...whole, groupEnds: (whole['groupEnds'] as Uint32Array).map((end) => end + 1) }],
    ['names without a length', { ...whole, nameLengths: new Uint32Array(1) }],
    ['numbers as bytes', { ...whole, members: new Uint8Array(1) }],
  ])('refuses %s', (_, sections) => {
    expect(() => decodeColumns(encodeSections(CONTAINER, sections))).toThrow(
      expect.objectContaining({ code: 'ICT_PACKAGE_INDEX_INVALID' }),
    );
  });
});
