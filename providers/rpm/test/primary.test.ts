import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FIELD } from '../src/metadata/primary-columns.js';
import type { PrimaryColumns, PrimaryField } from '../src/metadata/primary-columns.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { isBelow } from '../src/metadata/repomd.js';

const HEX = 'ab01'.repeat(16);

/** Reads the entry of one package. */
function readPackage({ href = 'a.rpm', base = '', checksum = `<checksum type="sha256" pkgid="YES">${HEX}</checksum>` }): PrimaryColumns {
  const reader = new PrimaryReader('primary.xml');
  const place = href.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  reader.write(
    Buffer.from(
      `<metadata><package type="rpm"><name>a</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>${checksum}` +
        `<size package="1" installed="1"/><location ${base} href="${place}"/></package></metadata>`,
    ),
  );
  return reader.finish();
}

function textOf({ bytes, fields }: PrimaryColumns, field: PrimaryField): string {
  const from = fields[FIELD[field]]!;
  return Buffer.from(bytes.subarray(from, bytes.indexOf(0x0a, from))).toString();
}

it('takes a package for one of its repository exactly when its place is below that', () => {
  const piece = fc.constantFrom(
    'a',
    'B9',
    '.',
    '..',
    '/',
    '//',
    '%2e',
    '%2E',
    '-',
    '_',
    '+',
    '~',
    '^',
    ':',
    'http:',
    'é',
    '\\',
    '?',
    '#',
    '&',
    ' ',
  );
  const place = fc.oneof(
    { weight: 4, arbitrary: fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')) },
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(place, (href) => {
      const columns = readPackage({ href });
      if (isBelow(href)) expect([columns.diagnostics, textOf(columns, 'path')]).toEqual([[], href]);
      else
        expect(columns).toMatchObject({ diagnostics: [{ package: 'a', reason: 'it lies outside the repository' }], fields: { length: 0 } });
    }),
    { numRuns: 1000 },
  );
});

it('says of a package that lies at another address that it is not looked for there', () => {
  const { diagnostics } = readPackage({ base: 'xml:base="https://elsewhere.test/"' });
  expect(diagnostics).toEqual([{ package: 'a', reason: 'it lies elsewhere (xml:base), where it is not looked for' }]);
});

it.each([
  ['sha256', HEX, `sha256:${HEX}`],
  ['sha256', `\n  ${HEX} `, `sha256:${HEX}`],
  ['sha384', 'f'.repeat(96), `sha384:${'f'.repeat(96)}`],
  ['sha512', '0'.repeat(128), `sha512:${'0'.repeat(128)}`],
])('takes the checksum of kind %s from %j', (type, digits, digest) => {
  expect(textOf(readPackage({ checksum: `<checksum type="${type}">${digits}</checksum>` }), 'digest')).toBe(digest);
});

it.each([
  ['nothing', ''],
  ['an older kind', `<checksum type="sha">${'a'.repeat(40)}</checksum>`],
  ['a kind with a prefix', `<checksum type="x:sha256">${HEX}</checksum>`],
  ['no kind', `<checksum>${HEX}</checksum>`],
  ['digits in upper case', `<checksum type="sha256">${HEX.toUpperCase()}</checksum>`],
  ['a digit too few', `<checksum type="sha256">${HEX.slice(1)}</checksum>`],
  ['digits of another kind', `<checksum type="sha512">${HEX}</checksum>`],
  ['what is no digit', `<checksum type="sha256">${HEX.slice(1)}g</checksum>`],
  ['one that does not count after one that does', `<checksum type="sha256">${HEX}</checksum><checksum type="sha256">${HEX}0</checksum>`],
])('leaves a package out that has for its checksum %s', (_what, checksum) => {
  expect(readPackage({ checksum })).toMatchObject({
    diagnostics: [{ package: 'a', reason: 'it has no checksum of SHA-2' }],
    fields: { length: 0 },
  });
});
