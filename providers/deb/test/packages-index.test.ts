import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStanzas } from '../src/metadata/deb822.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { formatGroup } from '../src/relations/relation.js';
import { INDEXED_FIELDS } from '../src/metadata/stanza-scan.js';

const bookworm = readFileSync(new URL('fixtures/bookworm-packages', import.meta.url));
const sha = 'ab'.repeat(32);

const text = (fields: Readonly<Record<string, string | undefined>> = {}): string => {
  const all = { Package: 'a', Version: '1', Architecture: 'amd64', Filename: 'pool/a.deb', Size: '10', SHA256: sha, ...fields };
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
};
/** Names of rows. */
const named = (packages: PackagesIndex, rows: Iterable<number>): string[] => [...rows].map((i) => packages.name(i));
const index = (...stanzas: readonly string[]): PackagesIndex => PackagesIndex.parse(Buffer.from(stanzas.join('\n')));

describe('PackagesIndex', () => {
  it('reads a real index as the stanza parser does', () => {
    const packages = PackagesIndex.parse(bookworm);
    const stanzas = parseStanzas(bookworm.toString('utf8'));
    expect(packages.count).toBe(stanzas.length);
    expect(packages.diagnostics).toEqual([]);
    for (const [i, stanza] of stanzas.entries()) {
      expect([packages.name(i), packages.version(i), packages.arch(i)]).toEqual(
        ['Package', 'Version', 'Architecture'].map((name) => stanza.get(name)),
      );
      for (const name of INDEXED_FIELDS) expect(packages.field(i, name)?.replace(/\n\s*/g, '\n'), name).toBe(stanza.get(name));
    }
  });

  it('finds packages by name and by what they provide, in order', () => {
    const packages = PackagesIndex.parse(bookworm);
    expect(named(packages, packages.byName('bash'))).toEqual(['bash']);
    expect([...packages.byName('awk')]).toEqual([]);
    expect(named(packages, packages.providersOf('awk'))).toEqual(['gawk', 'mawk', 'original-awk']);
    expect(named(packages, packages.providersOf('mail-transport-agent'))).toEqual(['exim4-daemon-light', 'postfix']);
    expect([...packages.providersOf('nothing')]).toEqual([]);
  });

  it('parses relations when asked, sharing groups', () => {
    const packages = PackagesIndex.parse(bookworm);
    const [bash] = packages.byName('bash');
    const [dash] = packages.byName('dash');
    expect(packages.relations(bash, 'Depends').map(formatGroup)).toEqual(['base-files (>= 2.1.12)', 'debianutils (>= 5.6-0.1)']);
    expect(packages.relations(bash, 'Breaks')).toEqual([]);
    const shared = packages.relations(dash, 'Depends').find((group) => group[0].name === 'debianutils');
    expect(packages.relations(bash, 'Depends')).toContain(shared);
  });

  it('reads the small facts', () => {
    const packages = PackagesIndex.parse(bookworm);
    const [bash] = packages.byName('bash');
    const [pam] = packages.byName('libpam0g');
    const [python] = packages.byName('python3');
    const [cap] = packages.byName('libcap2-bin');
    expect([packages.priority(bash), packages.essential(bash), packages.protected(bash), packages.multiArch(bash)]).toEqual([
      'required',
      true,
      false,
      'foreign',
    ]);
    expect([packages.essential(pam), packages.multiArch(pam), packages.multiArch(python)]).toEqual([false, 'same', 'allowed']);
    expect(packages.summary(bash)).toBe('GNU Bourne Again SHell');
    expect(packages.source(pam)).toEqual({ name: 'pam', version: packages.version(pam) });
    expect(packages.source(cap)).toEqual({ name: 'libcap2', version: '1:2.66-4+deb12u3' });
    expect(packages.source(bash)).toEqual({ name: 'bash', version: '5.2.15-2' });
  });

  it('makes records', () => {
    const packages = PackagesIndex.parse(bookworm);
    const [hello] = packages.byName('hello');
    expect(packages.record(hello, 'debian-bookworm')).toEqual({
      name: 'hello',
      version: '2.10-3',
      arch: 'amd64',
      repository: 'debian-bookworm',
      path: 'pool/main/h/hello/hello_2.10-3_amd64.deb',
      digest: packages.record(hello, 'x').digest,
      sizeBytes: 53080,
      installedSizeBytes: 277 * 1024,
    });
  });

  it.each([
    ['Version', '1 0'],
    ['Version', '1\n 2'],
    ['SHA256', 'abc'],
    ['SHA256', `${'ab'.repeat(31)}xy`],
    ['Size', '-1'],
    ['Size', '1e3'],
    ['Size', ''],
    ['Filename', '../../etc/passwd'],
    ['Filename', '/etc/passwd'],
    ['Filename', 'pool/../../x'],
    ['Filename', 'pool/%2e%2E/.%2e/x'],
    ['Filename', 'pool//x.deb'],
    ['Filename', 'pool\\x.deb'],
    ['Filename', 'pool/\u0001x.deb'],
    ['Installed-Size', 'big'],
  ])('refuses a record with %s %j', (field, value) => {
    const packages = index(text({ [field]: value }));
    expect(packages.count).toBe(1);
    expect(() => packages.record(0, 'r')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_INDEX_INVALID', facts: expect.objectContaining({ field }) }),
    );
  });

  it('takes a flat repository’s ./ path and upper-case digests', () => {
    const record = index(text({ Filename: './a.deb', SHA256: sha.toUpperCase() })).record(0, 'r');
    expect([record.path, record.digest]).toEqual(['a.deb', `sha256:${sha}`]);
  });

  it.each(['Package', 'Version', 'Architecture', 'Filename', 'SHA256', 'Size'])(
    'drops a stanza without %s, and says where it is',
    (field) => {
      const packages = index(text(), text({ Package: 'b', [field]: undefined }), text({ Package: 'c' }));
      expect(packages.count).toBe(2);
      const subject = field === 'Package' ? {} : { package: 'b' };
      expect(packages.diagnostics).toEqual([{ path: 'Packages', line: 8, reason: `it has no ${field}`, field, ...subject }]);
      expect([...packages.byName('c')]).toEqual([1]);
    },
  );

  it.each([
    [text({ Package: '../x' }), '"../x:amd64" is not a package name and architecture', 8, { package: '../x', field: 'Package' }],
    [text({ Architecture: 'a/b' }), '"a:a/b" is not a package name and architecture', 8, { package: 'a', field: 'Architecture' }],
    [`${text()}nonsense\n`, 'the line is not a field', 14, { package: 'a' }],
    [`${text()}nonsense\nmore\n`, 'the line is not a field', 14, { package: 'a' }],
    [` lost\n${text()}`, 'the line continues a field that is not there', 8, { package: 'a' }],
  ])('drops %j', (broken, reason, line, subject) => {
    const packages = index(text({ Package: 'first' }), broken);
    expect(packages.count).toBe(1);
    expect(packages.diagnostics).toEqual([{ path: 'Packages', line, reason, ...subject }]);
  });

  it('drops a stanza whose architecture is empty when it is the first, too', () => {
    const broken = text({ Package: 'b', Architecture: '' });
    for (const packages of [index(broken, text()), index(text(), broken)]) {
      expect([named(packages, packages.byName('a')), packages.count, packages.arch(0)]).toEqual([['a'], 1, 'amd64']);
      expect(packages.diagnostics).toEqual([
        expect.objectContaining({ reason: '"b:" is not a package name and architecture', package: 'b', field: 'Architecture' }),
      ]);
    }
  });

  it('names the file and its own line when there are several', () => {
    const first = `${text()}\n`;
    const bytes = Buffer.from(`${first}${text()}\n${text({ Size: undefined })}\n${text({ Package: 'b' })}nonsense\n`);
    const packages = PackagesIndex.parse(bytes, [
      { path: 'main', offset: 0 },
      { path: 'contrib', offset: first.length },
    ]);
    expect(packages.diagnostics).toEqual([
      { path: 'contrib', line: 8, reason: 'it has no Size', package: 'a', field: 'Size' },
      { path: 'contrib', line: 20, reason: 'the line is not a field', package: 'b' },
    ]);
  });

  it.each([
    ['CRLF', (plain: string) => plain.replaceAll('\n', '\r\n')],
    ['blank lines with spaces', (plain: string) => plain.replaceAll('\n\n', '\n \t\n\n')],
    ['no final newline', (plain: string) => plain.trimEnd()],
    ['leading blank lines', (plain: string) => `\n\n${plain}`],
    ['lower-case names', (plain: string) => plain.replace(/^[A-Za-z0-9-]+:/gm, (name) => name.toLowerCase())],
  ])('tolerates %s', (_, change) => {
    const plain = `${text({ Description: 'x\n more\n .\n end' })}\n${text({ Package: 'b' })}`;
    const packages = PackagesIndex.parse(Buffer.from(change(plain)));
    expect([packages.count, packages.diagnostics]).toEqual([2, []]);
    expect([packages.name(0), packages.name(1), packages.summary(0)]).toEqual(['a', 'b', 'x']);
    expect(packages.record(1, 'r')).toEqual(index(plain).record(1, 'r'));
  });

  it('takes the first of two equal fields', () => {
    expect(index(`${text()}Version: 2\n`).version(0)).toBe('1');
  });

  it('says the line of each stanza of a hundred thousand that repeat one', () => {
    const stanza = Buffer.from(`${text()}\n`);
    const packages = PackagesIndex.parse(Buffer.concat(Array.from({ length: 100_000 }, () => stanza)));
    expect(packages.count).toBe(1);
    expect(packages.diagnostics.map(({ line }) => line)).toEqual(Array.from({ length: 99_999 }, (_, nth) => 1 + 7 * (nth + 1)));
  });

  it('takes the first of two stanzas for one package, and says so', () => {
    const packages = index(text({ Size: '1' }), text({ Size: '2' }), text({ SHA256: 'cd'.repeat(32) }), text({ Version: '2' }));
    expect(packages.count).toBe(2);
    expect([...packages.byName('a')]).toEqual([0, 1]);
    expect([packages.field(0, 'size'), packages.version(1)]).toEqual(['1', '2']);
    expect(packages.diagnostics).toEqual([
      { path: 'Packages', line: 8, reason: 'it has a 1 amd64 a second time; the first counts', package: 'a', field: 'Package' },
      {
        path: 'Packages',
        line: 15,
        reason: 'it has a 1 amd64 a second time, with another SHA256; the first counts',
        package: 'a',
        field: 'SHA256',
      },
    ]);
  });

  it('says nothing of a package that two indexes have', () => {
    const first = `${text({ Architecture: 'all' })}\n`;
    const packages = PackagesIndex.parse(Buffer.from(`${first}${text({ Architecture: 'all' })}\n${text({ Package: 'b' })}`), [
      { path: 'binary-all', offset: 0 },
      { path: 'binary-amd64', offset: first.length },
    ]);
    expect([packages.count, packages.diagnostics, named(packages, [0, 1])]).toEqual([2, [], ['a', 'b']]);
  });

  it('names the package whose relation is broken', () => {
    const packages = index(text({ Depends: 'b (= ' }), text({ Package: 'c', Provides: 'x | y' }));
    expect(() => packages.relations(0, 'Depends')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_RELATION_INVALID', facts: { package: 'a', version: '1', field: 'Depends' } }),
    );
    expect(() => packages.provides(1)).toThrow(expect.objectContaining({ code: 'ICT_DEB_RELATION_INVALID' }));
  });

  it('reads text that is not ASCII', () => {
    expect(index(text({ Maintainer: 'Žofie Ünal <z@example.org>' })).field(0, 'maintainer')).toBe('Žofie Ünal <z@example.org>');
  });

  it('grows beyond its first guess', () => {
    const packages = index(
      ...Array.from({ length: 5000 }, (_, i) => `Package: p${i}\nVersion: 1\nArchitecture: all\nFilename: f\nSize: 1\nSHA256: ${sha}\n`),
    );
    expect([packages.count, packages.name(4999), packages.version(4999)]).toEqual([5000, 'p4999', '1']);
  });

  it('never throws while indexing, whatever the bytes', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'Package: a',
        'Version: 1',
        'Architecture: all',
        'Filename: f',
        'Size: 1',
        `SHA256: ${sha}`,
        '',
        ' ',
        ' x',
        ':',
        'Package',
        'PACKAGE: b',
      ),
      fc.string({ unit: 'binary', maxLength: 10 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.uint8Array({ maxLength: 20 }), (lines, tail) => {
        const packages = PackagesIndex.parse(Buffer.concat([Buffer.from(lines.join('\n')), tail]));
        for (let i = 0; i < packages.count; i++) expect(packages.field(i, 'package')).toBe(packages.name(i));
      }),
    );
  });
});
