import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { readPrimaryEntry } from '../src/metadata/primary-entry.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { encodePrimary } from '../src/metadata/primary-columns.js';

/** The columns of a document, or the code with which it is refused. */
function read(document: string, pieceBytes = Infinity): string {
  const bytes = Buffer.from(document);
  const reader = new PrimaryReader('primary.xml');
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.write(bytes.subarray(at, at + pieceBytes));
    return Buffer.from(encodePrimary(reader.finish())).toString('base64');
  } catch (error) {
    return (error as { readonly code?: string }).code ?? 'no code';
  }
}

/** The same document, with no dependency left that is written as createrepo_c writes it. */
const rewritten = (document: string): string => document.replaceAll('<rpm:entry name', '<rpm:entry\nname');

const around = (entries: string): string => `<metadata xmlns:rpm="x"><package type="rpm"><name>a</name><arch>noarch</arch>
<version epoch="0" ver="1" rel="2"/><checksum type="sha256" pkgid="YES">${'0'.repeat(64)}</checksum>
<size package="1" installed="1" archive="1"/><location href="a.rpm"/><format>
<rpm:provides>${entries}</rpm:provides><rpm:requires>${entries}</rpm:requires></format></package></metadata>`;

const word = fc.constantFrom(
  'a',
  'libx.so.1()(64bit)',
  'foo',
  '1.0',
  '1',
  '0',
  '00',
  '007',
  ' a',
  'a b',
  '',
  '&lt;',
  '&bad;',
  'x<y',
  'é',
  '\n',
  '>',
  "'",
);
const attribute = (name: string, value: fc.Arbitrary<string>) => value.map((text) => ` ${name}="${text}"`);
const entry = fc
  .tuple(
    attribute('name', word),
    fc.option(attribute('flags', fc.constantFrom('EQ', 'LT', 'GT', 'LE', 'GE', 'NE', '', 'EQU')), { nil: '' }),
    fc.option(attribute('epoch', word), { nil: '' }),
    fc.option(attribute('ver', word), { nil: '' }),
    fc.option(attribute('rel', word), { nil: '' }),
    fc.constantFrom('', ' pre="1"', ' name="b"', ' '),
    fc.constantFrom('/>', '/>', '/>\n      ', '></rpm:entry>', '>', '/ >', '/>text', ''),
  )
  .map((parts) => `<rpm:entry${parts.join('')}`);

describe('dependencies as createrepo_c writes them', () => {
  it('are read, with their versions', () => {
    const reader = new PrimaryReader('primary.xml');
    reader.write(
      Buffer.from(
        around(
          '<rpm:entry name="b"/>\n  <rpm:entry name="c" flags="GE" epoch="3" ver="1.0" rel="2"/><rpm:entry name="d" flags="EQ" epoch="0" ver="7"/>',
        ),
      ),
    );
    const { requires } = new PackagesIndex(reader.finish()).package(0).relations;
    expect(requires).toMatchObject([
      { name: 'b' },
      { name: 'c', evr: { epoch: 3, version: '1.0', release: '2' } },
      { name: 'd', evr: { epoch: 0, version: '7', release: undefined } },
    ]);
  });

  it.each([
    ['<rpm:entry name="b"/>', true],
    ['<rpm:entry name="c" flags="GE" epoch="3" ver="1" rel="2"/>', true],
    ['<rpm:entry name="c" flags="GE" epoch="3" ver="1" rel="2" pre="1"/>', false],
    ['<rpm:entry name="c" ver="1"/>', false],
    ['<rpm:entry name=""/>', false],
    ['<rpm:entry name="a&amp;b"/>', false],
    ['<rpm:entry name="a b"/>', false],
    ["<rpm:entry name='b'/>", false],
    ['<rpm:entry name="b"', false],
    ['<rpm:entry name="b"/', false],
  ])('%s is taken: %s', (text, taken) => {
    const values = { nameTo: 0, flags: 0, epochFrom: 0, epochTo: 0, versionFrom: 0, versionTo: 0, releaseFrom: 0, releaseTo: 0 };
    expect(readPrimaryEntry(Buffer.from(`x${text}`), 1, values)).toBe(taken ? text.length + 1 : -1);
  });

  it('give the same columns, or are refused alike, however they are written and wherever pieces end', () => {
    let good = 0;
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 400 }), (entries, pieceBytes) => {
        const document = around(entries.join(''));
        const expected = read(rewritten(document));
        if (!expected.startsWith('ICT_')) good++;
        expect(read(document)).toBe(expected);
        expect(read(document, pieceBytes)).toBe(expected);
      }),
      { numRuns: 500 },
    );
    expect(good).toBeGreaterThan(50);
  });

  it('are refused when they stand outside of the document', () => {
    expect(read('<rpm:entry name="b"/>')).not.toMatch(/^ICT_/);
    expect(read('<metadata/><rpm:entry name="b"/>')).toBe('ICT_RPM_INDEX_INVALID');
    const deep = '<a>'.repeat(64);
    expect(read(`${deep}<rpm:entry name="b"/>${'</a>'.repeat(64)}`)).toBe('ICT_RPM_INDEX_INVALID');
  });
});
