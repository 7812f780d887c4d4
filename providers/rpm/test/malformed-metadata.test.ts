import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endOf } from '../src/metadata/column-writer.js';
import { FilelistsReader } from '../src/metadata/filelists.js';
import { loadPackages } from '../src/metadata/metadata.js';
import { PackagesIndex } from '../src/metadata/packages-index.js';
import { PrimaryReader } from '../src/metadata/primary.js';
import { indexOf } from '../src/metadata/read-index.js';
import { formatRelation } from '../src/relations/relation.js';
import { chooseData, parseRepomd } from '../src/metadata/repomd.js';
import { UpdateinfoReader } from '../src/metadata/updateinfo.js';
import { FIXTURES } from './fixture-index.js';
import { NOW, openRepositories, pinRepository, repository, REPOS } from './fixture-repositories.js';

describe('malformed metadata', () => {
  const readPrimary = (text: string) => {
    const reader = new PrimaryReader('primary.xml');
    reader.write(Buffer.from(text));
    const index = new PackagesIndex(reader.finish());
    const packages = Array.from({ length: index.count }, (_, at) => ({ ...index.record(at, 'test'), ...index.words(at) }));
    return { packages, diagnostics: index.diagnostics, count: index.count };
  };
  const malformed = (name: string): string => readFileSync(join(FIXTURES, 'malformed', name), 'utf8');

  it('of primary: ampersands are read as they are meant', () => {
    const { packages } = readPrimary(malformed('repo_01_ampersand-primary.xml'));
    expect(packages[0]).toMatchObject({ name: 'super_kernel', summary: 'Tes&t package', path: 'super_kernel&-6.0.1-2.x86_64.rpm' });
    expect(() => readPrimary(malformed('repo_01_ampersand-primary.xml').replace('&amp;', '&'))).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }),
    );
  });

  it('of primary: a package without a checksum is left out', () => {
    const { packages, diagnostics } = readPrimary(malformed('error_00-primary.xml'));
    expect(diagnostics.map(({ package: name }) => name)).toContain('fake_bash');
    expect(packages.map(({ name }) => name)).not.toContain('fake_bash');
  });

  it('of primary: of a package that is listed twice the first counts, and another content is told', () => {
    const entry = (version: string, digit: string, arch = 'noarch'): string =>
      `<package type="rpm"><name>twin</name><arch>${arch}</arch><version epoch="0" ver="${version}" rel="1"/><checksum type="sha256" pkgid="YES">${digit.repeat(64)}</checksum><size package="1" installed="1"/><location href="${digit}.rpm"/><format/></package>`;
    const text = [entry('1', 'a'), entry('2', 'b'), entry('1', 'a'), entry('1', 'c'), entry('1', 'd', 'x86_64')].join('');
    const { packages, diagnostics } = readPrimary(`<metadata xmlns="x" xmlns:rpm="rpm">${text}</metadata>`);
    expect(packages.map(({ path }) => path)).toEqual(['a.rpm', 'b.rpm', 'd.rpm']);
    expect(diagnostics).toEqual([
      { package: 'twin', reason: 'it is listed twice in one version, with different checksums; the first counts' },
    ]);
  });

  it('of primary: what is left out is named with repository, file and reason, and the rest can be used', async () => {
    const ctx = openRepositories([]);
    const entry = (name: string, { version = '1', checksum = 'a', href = 'a.rpm', size = 1 } = {}): string =>
      `<package type="rpm"><name>${name}</name><arch>noarch</arch><version epoch="0" ver="${version}" rel="1"/><checksum type="sha256" pkgid="YES">${checksum.repeat(64)}</checksum><size package="${size}" installed="1"/><location href="${href}"/><format/></package>`;
    const odd = [entry('out', { href: '../out.rpm' }), entry('empty', { size: 0 }), entry('twin', { checksum: 'b' }), entry('half', { version: '' })]; // prettier-ignore
    const many = Array.from({ length: 3 }, (_, at) => entry(`sum${at}`, { checksum: 'x' }));
    const text = [entry('sound'), entry('twin'), ...odd, ...many].join('');
    const { digest, sizeBytes } = await ctx.blobs.putBytes(Buffer.from(`<metadata xmlns="x" xmlns:rpm="rpm">${text}</metadata>`));
    const root = { path: 'repodata/repomd.xml', digest, sizeBytes, dateSeconds: NOW };
    const indexes = [{ path: 'repodata/primary.xml', digest, sizeBytes, component: 'primary' }];
    const index = await loadPackages({ repository: repository('odd'), root, signers: [], indexes }, ctx);
    expect([index.count, index.name(0), index.name(1)]).toEqual([2, 'sound', 'twin']);
    const warnings = ctx.events.flatMap((event) => (event.type === 'warning' ? [event.code, ...event.message.split('\n')] : []));
    expect(warnings).toEqual([
      'ICT_RPM_INDEX_INVALID',
      '7 packages of repository "odd" left out:',
      '  repodata/primary.xml: out: it lies outside the repository',
      '  repodata/primary.xml: empty: it has no proper size',
      '  repodata/primary.xml: twin: it is listed twice in one version, with different checksums; the first counts',
      '  repodata/primary.xml: half: it has no proper version',
      '  repodata/primary.xml: sum0: it has no checksum of SHA-2',
      '  and 2 more',
    ]);
  });

  it.each(['unknown_element_00', 'unknown_element_01', 'unknown_element_02', 'multiple_warnings_00'])(
    'of primary: %s gives what can be used',
    (name) => {
      const { count, diagnostics } = readPrimary(malformed(`${name}-primary.xml`));
      expect(count + diagnostics.length).toBeGreaterThan(0);
      expect(diagnostics.every(({ reason }) => reason !== '')).toBe(true);
    },
  );

  it.each(readdirSync(join(FIXTURES, 'malformed')).filter((name) => name.endsWith('filelists.xml')))(
    'of file lists: %s gives every path that it has',
    (name) => {
      const text = malformed(name);
      const paths = new Set([...text.matchAll(/<file[^>]*>([^<]+)<\/file>/g)].map(([, path]) => path!.replaceAll('&amp;', '&')));
      expect(paths.size).toBeGreaterThan(0);
      const reader = new FilelistsReader(name, paths);
      reader.write(Buffer.from(text));
      expect(new Set(reader.finish().map(({ path }) => path))).toEqual(paths);
      const cut = new FilelistsReader(name, paths);
      cut.write(Buffer.from(text.slice(0, -20)));
      expect(() => cut.finish()).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }));
    },
  );

  it('of primary: a document of many packages is read whole', () => {
    const { count, diagnostics } = readPrimary(malformed('long_primary.xml'));
    expect(count + diagnostics.length).toBe(malformed('long_primary.xml').match(/<package /g)!.length);
  });

  it('of advisories: ampersands are read as they are meant', () => {
    const read = (text: string) => {
      const reader = new UpdateinfoReader('updateinfo.xml');
      reader.write(Buffer.from(text));
      const { bytes, advisories } = reader.finish();
      return Buffer.from(bytes).toString('utf8', advisories[0], endOf(bytes, advisories[0]!));
    };
    expect(read(malformed('updateinfo_ampersand.xml'))).toBe('foobarupd&ate_1');
    expect(() => read(malformed('updateinfo_ampersand.xml').replace('&amp;', '&'))).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }),
    );
  });

  it('of repomd: a file without a type is refused', () => {
    const bytes = readFileSync(join(FIXTURES, 'malformed/missing_type-repomd.xml'));
    expect(() => parseRepomd(bytes, 'test')).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }));
  });

  it.each([
    ['outside of the repository', 'href="../../../etc/passwd"'],
    ['outside of the repository as addresses can say it', 'href="repodata/%2E./.%2e/passwd"'],
    ['outside of the repository without what addresses leave out', 'href="repodata/.&#9;./.&#9;./passwd"'],
    ['an absolute path', 'href="/etc/passwd"'],
    ['another server', 'href="https://other.example/primary.xml.gz"'],
  ])('of repomd: a file of %s is refused', (_what, href) => {
    const sum = 'a'.repeat(64);
    const text = `<repomd><data type="primary"><checksum type="sha256">${sum}</checksum><size>5</size><location ${href}/></data></repomd>`;
    expect(() => parseRepomd(Buffer.from(text), 'test')).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }));
  });

  const listed = ({ type = 'primary', kind = 'sha256', place = 'href="p"', size = '<size>5</size>', sum = 'a'.repeat(64) } = {}) =>
    `<data type="${type}"><checksum type="${kind}">${sum}</checksum>${size}<location ${place}/></data>`;
  it.each([
    ['it lists no primary metadata', listed({ type: 'primary_db' })],
    ['it lists its primary by a checksum of kind "sha", and only those of SHA-2 count', listed({ kind: 'sha' })],
    [
      'it lists its primary as lying elsewhere (xml:base), at "file:///b", which is no whole address of http or https',
      listed({ place: 'xml:base="file:///b" href="p"' }),
    ],
    [
      'it lists its primary as lying elsewhere (xml:base), at an address with a user name or password',
      listed({ place: 'xml:base="http://u:p@b" href="p"' }),
    ],
    ['it lists its filelists without a size', listed() + listed({ type: 'filelists', size: '' })],
    ['it lists its modules without a place', listed() + listed({ type: 'modules', place: '' })],
    ['it lists its group without a checksum', `${listed()}<data type="group"><location href="p"/><size>5</size></data>`],
    ['it lists its primary without a size', listed({ size: '' }) + listed({ size: '' })],
  ])('of repomd is refused with what is wrong: %s', (reason, data) => {
    const read = () => chooseData(parseRepomd(Buffer.from(`<repomd>${data}</repomd>`), 'test'), repository('test'));
    expect(read).toThrow(expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID', facts: { repository: 'test', reason } }));
  });

  it('of repomd, files that lie elsewhere: their address is that of a directory, and they stay below it', () => {
    const place = 'xml:base="http://B.test/os/" href="p"';
    const repomd = parseRepomd(
      Buffer.from(`<repomd>${listed({ place })}${listed({ type: 'group', place: 'xml:base="" href="g"' })}</repomd>`),
      'test',
    );
    const [primary, group] = chooseData(repomd, repository('test'));
    expect([primary, group]).toMatchObject([{ archive: 'http://b.test/os', path: 'p' }, { path: 'g' }]);
    expect(group).not.toHaveProperty('archive');
    const climbing = listed({ place: place.replace('"p"', '"../p"') });
    expect(() => parseRepomd(Buffer.from(`<repomd>${climbing}</repomd>`), 'test')).toThrow(
      expect.objectContaining({ code: 'ICT_RPM_REPOMD_INVALID' }),
    );
  });

  it('of repomd, several files of modules: all are read, since each hides packages', () => {
    const choose = (data: string) =>
      chooseData(parseRepomd(Buffer.from(`<repomd>${listed()}${data}</repomd>`), 'test'), repository('test'));
    const modules = (options: Parameters<typeof listed>[0] = {}) => listed({ type: 'modules', ...options });
    const other = { place: 'href="q"', sum: 'b'.repeat(64) };
    const chosen = choose(
      modules() + modules(other) + modules({ place: 'href="r"' }) + modules({ ...other, type: 'modules_zck', sum: 'c'.repeat(64) }),
    );
    expect(chosen.map(({ component, path }) => `${component} ${path}`)).toEqual(['primary p', 'modules p', 'modules q']);
    expect(() => choose(modules() + modules({ kind: 'md5' }))).toThrow(
      expect.objectContaining({
        facts: { repository: 'test', reason: expect.stringMatching(/^it lists its modules by a checksum/) as string },
      }),
    );
  });

  const OTHER = { place: 'href="q"', sum: 'b'.repeat(64) };
  it.each([
    ['equal files are one', listed() + listed(), 'p', []],
    ['equal files of other names are one', listed() + listed({ place: 'href="q"' }), 'p', []],
    ['of different files the first counts', listed() + listed(OTHER), 'p', ['primary']],
    ['of different files the first counts, wherever it lies', listed(OTHER) + listed(), 'q', ['primary']],
    ['files of different sizes are different', listed() + listed({ size: '<size>6</size>' }), 'p', ['primary']],
    ['of several files the first that can be trusted counts', listed({ ...OTHER, kind: 'sha' }) + listed(), 'p', ['primary']],
    ['of three files one may differ', listed() + listed() + listed(OTHER), 'p', ['primary']],
    ['what nobody reads may be there twice', listed() + listed({ type: 'x' }) + listed({ ...OTHER, type: 'x' }), 'p', ['x']],
  ])('of repomd, files of one type: %s', (_what, data, path, ambiguous) => {
    const repomd = parseRepomd(Buffer.from(`<repomd>${data}</repomd>`), 'test');
    expect(chooseData(repomd, repository('test'))).toEqual([expect.objectContaining({ path, component: 'primary' })]);
    expect(repomd.ambiguous).toEqual(ambiguous);
  });

  it('of repomd, files of one type: those that are read are told of, and the repository is used', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-repomd-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    cpSync(join(REPOS, 'createrepo_c-repo_02'), join(directory, 'again'), { recursive: true });
    const file = join(directory, 'again/repodata/repomd.xml');
    const text = readFileSync(file, 'utf8');
    const entry = (type: string): string => new RegExp(`<data type="${type}">.*?</data>`, 's').exec(text)![0];
    const larger = (type: string): string => entry(type).replace(/<size>/, '$&1');
    const unread = [entry('other'), larger('other')].map((each) => each.replace('"other"', '"prestodelta"'));
    const doubled = [entry('primary'), larger('filelists'), ...unread].join('');
    writeFileSync(file, text.replace('</repomd>', `${doubled}</repomd>`));
    const ctx = openRepositories(['again'], directory);
    const pinned = await pinRepository(ctx, repository('again', { repoGpgCheck: false }));
    const path = indexOf(pinned, 'filelists')!.path;
    expect(ctx.events.filter(({ type }) => type === 'warning')).toEqual([
      expect.objectContaining({
        code: 'ICT_RPM_REPOMD_INVALID',
        message: `repomd.xml of repository "again" lists several files as its filelists: the first that can be trusted, ${path}, counts`,
      }),
    ]);
    expect((await loadPackages(pinned, ctx)).count).toBe(2);
  });

  it('of a package is told as far as it goes: texts of several lines, relations of odd versions', () => {
    const entry = (attributes: string): string => `<rpm:entry name="a" ${attributes}/>`;
    const entries = [
      entry(''),
      entry('flags="GE" epoch="0" ver="1" rel="2"'),
      entry('flags="GE" ver="1" rel="2"'),
      entry('flags="LT" epoch="x" ver="1"'),
      entry('flags="NE" ver="1"'),
      entry('flags="EQ" ver=""'),
      entry('flags="GT" epoch="3" ver="1" rel=""'),
    ];
    const text = `<metadata><package type="rpm"><name>good</name><arch>noarch</arch><version epoch="2" ver="1" rel="1"/>
<checksum type="sha256" pkgid="YES">${'b'.repeat(64)}</checksum><summary> one
two </summary><size package="5" installed="0"/><location href="a.rpm"/><format><rpm:requires>${entries.join('')}</rpm:requires>
<file>/a</file><file>/b
c</file></format></package></metadata>`;
    const reader = new PrimaryReader('primary.xml');
    for (const byte of Buffer.from(text)) reader.write(Buffer.from([byte]));
    const index = new PackagesIndex(reader.finish());
    expect(index.words(0).summary).toBe('one two');
    expect(index.record(0, 'test')).toMatchObject({ version: '2:1-1', sizeBytes: 5, installedSizeBytes: 0 });
    const { files, relations } = index.package(0);
    expect(files).toEqual(['/a']);
    expect(relations.requires?.map(formatRelation)).toEqual(['a', 'a >= 1-2', 'a >= 1-2', 'a < 1', 'a', 'a', 'a > 3:1']);
    expect(relations.requires![1]).toBe(relations.requires![2]);
  });

  it('of a package leaves that package out', () => {
    const pkg = (name: string, href: string) =>
      `<package type="rpm"><name>${name}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256" pkgid="YES">${'b'.repeat(64)}</checksum><size package="5" installed="6" archive="7"/><location href="${href}"/><format/></package>`;
    const { packages, diagnostics } = readPrimary(
      `<metadata>${pkg('good', 'good.rpm')}${pkg('bad', '../bad.rpm')}${pkg('wo rse', 'c.rpm')}</metadata>`,
    );
    expect(packages.map(({ name }) => name)).toEqual(['good']);
    expect(diagnostics.map(({ package: name }) => name)).toEqual(['bad', 'wo rse']);
  });
});
