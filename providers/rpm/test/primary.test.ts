import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fileAddress, isArchiveAddress } from '@ict/plugin-api';
import { FIELD } from '../src/metadata/primary-columns.js';
import type { PrimaryColumns, PrimaryField } from '../src/metadata/primary-columns.js';
import { readLocationBase } from '../src/metadata/location-base.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
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

it.each([
  ['', ''],
  ['xml:base=""', ''],
  ['xml:base="https://elsewhere.test/"', 'https://elsewhere.test'],
  ['xml:base="http://elsewhere.test:8080/el9/os//"', 'http://elsewhere.test:8080/el9/os'],
  ['xml:base=" HTTPS://Elsewhere.Test:443/a/../%c3%a9/é "', 'https://elsewhere.test/%c3%a9/%C3%A9'],
  ['xml:base="https://elsewhere.test/a%20b"', 'https://elsewhere.test/a%20b'],
])('takes a package with %s for one that lies at "%s"', (base, archive) => {
  const columns = readPackage({ base });
  expect([columns.diagnostics, textOf(columns, 'archive'), textOf(columns, 'path')]).toEqual([[], archive, 'a.rpm']);
  const record = new PackagesIndex(columns).record(0, 'test');
  expect([record.archive, isArchiveAddress(record.archive ?? 'https://none.test')]).toEqual([archive === '' ? undefined : archive, true]);
});

it.each([
  ['file:///srv/repo', 'at "file:///srv/repo", which is no whole address of http or https'],
  ['ftp://elsewhere.test/', 'at "ftp://elsewhere.test/", which is no whole address of http or https'],
  ['media://1170265152.1#1', 'at "media://1170265152.1#1", which is no whole address of http or https'],
  ['../other', 'at "../other", which is no whole address of http or https'],
  ['//elsewhere.test/', 'at "//elsewhere.test/", which is no whole address of http or https'],
  ['http:elsewhere.test', 'at "http:elsewhere.test", which is no whole address of http or https'],
  ['https://', 'at "https://", which is no whole address of http or https'],
  ['https://elsewhere.test:99999/', 'at "https://elsewhere.test:99999/", which is no whole address of http or https'],
  ['https://user:secret@elsewhere.test/', 'at an address with a user name or password'],
  ['https://secret@elsewhere.test/', 'at an address with a user name or password'],
  ['file://user:secret@elsewhere.test/', 'at what is no whole address of http or https'],
  ['https://elsewhere.test/?token=a', 'at an address with a query or fragment'],
  ['https://elsewhere.test/#a', 'at an address with a query or fragment'],
  [`https://elsewhere.test/${'a'.repeat(2048)}`, 'at an address of more than 2048 characters'],
])('leaves a package out that lies at %s', (base, where) => {
  expect(readPackage({ base: `xml:base="${base}"` })).toMatchObject({
    diagnostics: [{ package: 'a', reason: `it lies elsewhere (xml:base), ${where}` }],
    fields: { length: 0 },
  });
});

it('takes for the address of a directory nothing that is in another form than locks have', () => {
  const piece = fc.constantFrom(
    'http://',
    'https://',
    'ftp://',
    'h',
    'u:p@',
    '/',
    '..',
    '?',
    '#',
    ' ',
    '%2e',
    '\\\\',
    ':80',
    'é',
    '[::1]',
    '\\t',
    '@',
    '&amp;',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const read = readLocationBase(pieces.join(''));
      if ('archive' in read) expect([read.archive, isArchiveAddress(read.archive)]).toEqual([read.archive, true]);
      else expect(read.fault).not.toContain('u:p');
    }),
    { numRuns: 2000 },
  );
});

it('leaves a package out that leaves the directory where it is said to lie', () => {
  expect(readPackage({ base: 'xml:base="https://elsewhere.test/a"', href: '../a.rpm' }).diagnostics).toEqual([
    { package: 'a', reason: 'it lies outside the repository' },
  ]);
});

it('keeps apart where packages lie that have one base, another one, none, and several places', () => {
  const locations = [
    '<location xml:base="https://one.test" href="a"/>',
    '<location xml:base="https://one.test" href="b"/>',
    '<location href="c"/>',
    '<location xml:base="https://two.test" href="d"/>',
    '<location xml:base="file:///x" href="e"/>',
    '<location xml:base="file:///x" href="f"/><location href="f"/>',
    '<location xml:base="https://one.test" href="g"/>',
  ];
  const packages = locations.map(
    (location, at) =>
      `<package type="rpm"><name>p${at}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>` +
      `<checksum type="sha256">${HEX}</checksum><size package="1"/>${location}</package>`,
  );
  const reader = new PrimaryReader('primary.xml');
  reader.write(Buffer.from(`<metadata>${packages.join('')}</metadata>`));
  const index = new PackagesIndex(reader.finish());
  const places = Array.from({ length: index.count }, (_, at) => fileAddress({ archive: 'http://own.test' }, index.record(at, 'test')));
  expect(places).toEqual([
    'https://one.test/a',
    'https://one.test/b',
    'http://own.test/c',
    'https://two.test/d',
    'http://own.test/f',
    'https://one.test/g',
  ]);
  expect(index.diagnostics.map(({ package: name }) => name)).toEqual(['p4']);
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
