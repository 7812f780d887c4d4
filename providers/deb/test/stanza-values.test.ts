import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDirectory } from '../src/metadata/index-directory.js';
import { TextInMemory } from '../src/metadata/index-text.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { columnOf, INDEXED_FIELDS, StanzaScanner, valueText } from '../src/metadata/stanza-scan.js';

const stanza = (name: string, more = ''): string =>
  `Package: ${name}\nVersion: 1\nArchitecture: amd64\nFilename: pool/${name}.deb\nSize: 10\nSHA256: ${'ab'.repeat(32)}\n${more}`;

describe('stanzas that are asked about', () => {
  it('have the values that are found in a single stanza, in whatever form they are written', () => {
    const field = fc.constantFrom('Depends', 'DESCRIPTION', 'Maintainer', 'section', 'Phased-Update-Percentage', 'X-Unknown-Field', 'Tag');
    const value = fc.constantFrom('', ' a', '\ta b \t', '\r', ' first\n second\n\tthird ', '\n next', ' ä:ö', ' : :');
    const lines = fc.array(fc.tuple(field, value), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(lines, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n'), (all, newline) => {
        const texts = all.map((more, i) =>
          stanza(`p${i}`, more.map(([name, its]) => `${name}:${its}\n`).join('')).replaceAll('\n', newline),
        );
        const index = PackagesIndex.parse(Buffer.from(texts.join(newline)));
        expect(index.count).toBe(texts.length);
        texts.forEach((text, i) => {
          const bytes = Buffer.from(text);
          const scanner = new StanzaScanner(bytes);
          scanner.next(0, bytes.length, true);
          for (const name of INDEXED_FIELDS) {
            const from = scanner.fields[columnOf(name)]!;
            expect([name, index.field(i, name)]).toEqual([name, from === 0 ? undefined : valueText(bytes, from)]);
          }
        });
      }),
    );
  });

  it('stay what they are when others need more memory than there was', () => {
    const long = 'x'.repeat(9_000_000);
    const names = ['a', 'b', 'c', 'd'];
    const index = PackagesIndex.parse(
      Buffer.from(names.map((name) => stanza(name, `Depends: ${name}1 | ${name}2 (>= 1)\nTag: ${long}${name}\n`)).join('\n')),
    );
    const written = names.map((_, row) => {
      const [group] = index.groups(row, 'Depends') as [number];
      return { group, summary: index.field(row, 'filename') };
    });
    names.forEach((name, row) => {
      const { group, summary } = written[row]!;
      expect(summary).toBe(`pool/${name}.deb`);
      expect(index.field(row, 'sha256')).toHaveLength(64);
      expect(index.store.groupText(group)).toBe(`${name}1 | ${name}2 (>= 1)`);
      expect(index.groups(row, 'Depends')).toEqual([group]);
    });
  });

  it.each([
    ['another package', (text: string) => text.replace('Package: b', 'Package: c')],
    ['a name that goes on', (text: string) => text.replace('Package: b\nVersion: 1', 'Package: b\n ersion: 1')],
    ['an empty line', (text: string) => text.replace('Package: b\nVersion: 1', 'Package: b\n\nersion: 1')],
    ['a line that is no field', (text: string) => text.replace('Package: b\nVersion: 1', 'Package: b\nVersion  1')],
    ['a line that continues nothing', (text: string) => text.replace('Package: b', ' ackage: b')],
  ])('are refused where the text has %s by now', (_, change) => {
    const before = [stanza('a'), stanza('b')].join('\n');
    const after = change(before);
    expect(after).toHaveLength(before.length);
    const directory = readDirectory(new TextInMemory(Buffer.from(before)), []);
    const index = new PackagesIndex(directory, new TextInMemory(Buffer.from(after)));
    expect(index.field(0, 'size')).toBe('10');
    expect(() => index.field(1, 'size')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_INDEX_MISMATCH', facts: { package: 'b', offset: before.indexOf('Package: b') } }),
    );
    expect(index.field(0, 'filename')).toBe('pool/a.deb');
  });
});
