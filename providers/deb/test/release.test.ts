import { readFileSync } from 'node:fs';
import type { RepositorySpec } from '@ict/plugin-api';
import fc from 'fast-check';
import { isIctError } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { checkRelease, chooseIndexes, parseRelease, releaseDirectory } from '../src/metadata/release.js';
import type { Release } from '../src/metadata/release.js';

const sha = 'ab'.repeat(32);
const repository: RepositorySpec = { id: 'test', archive: 'http://archive.test', suite: 'trixie', components: ['main'], keyrings: [] };

const text = (
  fields: Readonly<Record<string, string | undefined>> = {},
  files: readonly string[] = ['main/binary-amd64/Packages.xz'],
): string => {
  const all = { Origin: 'Debian', Date: 'Sat, 11 Jul 2026 10:16:37 UTC', Architectures: 'all amd64', Components: 'main', ...fields };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `${[...lines, 'SHA256:', ...files.map((path) => ` ${sha} 10 ${path}`)].join('\n')}\n`;
};
const release = (fields?: Readonly<Record<string, string | undefined>>, files?: readonly string[]): Release =>
  parseRelease(text(fields, files), 'test');
const at = (iso: string): number => Date.parse(iso) / 1000;

describe('parseRelease', () => {
  it('reads a real Release file', () => {
    const signed = readFileSync(new URL('fixtures/bookworm-updates/InRelease', import.meta.url), 'utf8');
    const plain = signed.slice(signed.indexOf('\n\n') + 2, signed.indexOf('-----BEGIN PGP SIGNATURE'));
    const real = parseRelease(plain, 'debian-bookworm-updates');
    expect(real).toMatchObject({
      origin: 'Debian',
      label: 'Debian',
      suite: 'oldstable-updates',
      codename: 'bookworm-updates',
      version: '12-updates',
      dateSeconds: at('2026-11-20T02:11:10Z'),
      components: ['main', 'contrib', 'non-free-firmware', 'non-free'],
      acquireByHash: true,
      allInEveryIndex: true,
    });
    const [index] = chooseIndexes(real, { ...repository, suite: 'bookworm-updates' }, 'amd64');
    const bytes = readFileSync(new URL('fixtures/bookworm-updates/Packages.xz', import.meta.url));
    expect(index.path).toBe('dists/bookworm-updates/main/binary-amd64/Packages.xz');
    expect(index.sizeBytes).toBe(bytes.length);
    expect(index.plain?.sizeBytes).toBeGreaterThan(bytes.length);
  });

  it('counts MD5 as absent', () => {
    const md5 = 'Date: Sat, 11 Jul 2026 10:16:37 UTC\nMD5Sum:\n 846549680001f5c632b6ee8e0f183825 827 main/binary-amd64/Packages\n';
    expect(() => parseRelease(md5, 'r')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_RELEASE_WEAK', facts: { repository: 'r', sections: ['MD5Sum'] } }),
    );
    // Here other files have SHA-256 digests, but the index has only MD5 and SHA-1 ones.
    const hardy = parseRelease(readFileSync(new URL('fixtures/aptly-hardy-Release', import.meta.url), 'utf8'), 'hardy');
    expect([...hardy.files.keys()]).toEqual(['main/dep11/Components-amd64.yml.gz', 'main/dep11/icons-48x48.tar.gz']);
    expect(() => chooseIndexes(hardy, repository, 'amd64')).toThrow(expect.objectContaining({ code: 'ICT_DEB_ARCHITECTURE_MISSING' }));
  });

  it.each([
    ['no Date', text({ Date: undefined }), 'ICT_DEB_RELEASE_INVALID'],
    ['a Date without a zone', text({ Date: 'Sat, 11 Jul 2026 10:16:37' }), 'ICT_DEB_RELEASE_INVALID'],
    ['a bad Valid-Until', text({ 'Valid-Until': 'soon' }), 'ICT_DEB_RELEASE_INVALID'],
    ['two paragraphs', `${text()}\n${text()}`, 'ICT_DEB_RELEASE_INVALID'],
    ['nothing', '', 'ICT_DEB_RELEASE_INVALID'],
    ['a short digest', `${text()} abc 10 x\n`, 'ICT_DEB_RELEASE_INVALID'],
    ['a negative size', `${text()} ${sha} -1 x\n`, 'ICT_DEB_RELEASE_INVALID'],
    ['an empty section', text({}, []), 'ICT_DEB_RELEASE_WEAK'],
    ['text that is not deb822', 'hello\n', 'ICT_DEB_STANZA_INVALID'],
  ])('refuses %s', (_, broken, code) => {
    expect(() => parseRelease(broken, 'r')).toThrow(expect.objectContaining({ code }));
  });

  it('throws nothing but errors of this package', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('Date: Sat, 11 Jul 2026 10:16:37 UTC', 'SHA256:', ` ${sha} 1 a`, ` ${sha} x`, '', 'Date: x', ' ', 'b'), {
          maxLength: 8,
        }),
        (lines) => {
          try {
            expect(parseRelease(lines.join('\n'), 'r').files.size).toBeGreaterThan(0);
          } catch (error) {
            expect(isIctError(error) && error.code).toMatch(/^ICT_DEB_(RELEASE|STANZA)_/);
          }
        },
      ),
    );
  });
});

describe('checkRelease', () => {
  const now = at('2026-07-12T00:00:00Z');
  const expecting = { ...repository, expect: { origin: 'Debian', label: 'Debian', codename: 'trixie' } };

  it('accepts what was expected', () => {
    expect(() =>
      checkRelease(release({ Label: 'Debian', Codename: 'trixie', 'Valid-Until': 'Sun, 12 Jul 2026 00:00:00 UTC' }), expecting, now),
    ).not.toThrow();
    expect(() => checkRelease(release({ Origin: 'Anything' }), repository, now)).not.toThrow();
  });

  it.each([
    [{ Label: 'Debian', Codename: 'trixie', Origin: 'Evil' }, 'origin'],
    [{ Label: 'Debian-Security', Codename: 'trixie' }, 'label'],
    [{ Label: 'Debian', Codename: 'stretch' }, 'codename'],
    [{ Label: 'Debian' }, 'codename'],
  ])('refuses %j', (fields, field) => {
    expect(() => checkRelease(release(fields), expecting, now)).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_RELEASE_MISMATCH', facts: expect.objectContaining({ field }) }),
    );
  });

  it('judges dates by the given clock', () => {
    const dated = release({ 'Valid-Until': 'Sat, 18 Jul 2026 10:16:37 UTC' });
    expect(() => checkRelease(dated, repository, at('2026-07-18T10:16:37Z'))).not.toThrow();
    expect(() => checkRelease(dated, repository, at('2026-07-18T10:16:38Z'))).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_RELEASE_EXPIRED' }),
    );
    expect(() => checkRelease(dated, repository, at('2026-07-10T10:16:37Z'))).not.toThrow();
    expect(() => checkRelease(dated, repository, at('2026-07-10T10:16:36Z'))).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_RELEASE_FUTURE' }),
    );
  });
});

describe('chooseIndexes', () => {
  const paths = (
    fields: Readonly<Record<string, string | undefined>>,
    files: readonly string[],
    spec: Partial<RepositorySpec> = {},
    arch = 'amd64',
  ) => chooseIndexes(release(fields, files), { ...repository, ...spec }, arch).map(({ path }) => path);
  const amd64 = 'main/binary-amd64/Packages';
  const all = 'main/binary-all/Packages';

  it.each([
    [['', '.gz', '.zst', '.xz'], '.xz'],
    [['', '.gz', '.zst'], '.zst'],
    [['', '.gz', '.bz2'], '.gz'],
    [[''], ''],
  ])('of %j takes "%s"', (suffixes, best) => {
    const [index] = chooseIndexes(
      release(
        { 'Acquire-By-Hash': 'yes' },
        suffixes.map((suffix) => amd64 + suffix),
      ),
      repository,
      'amd64',
    );
    expect(index).toEqual({
      path: `dists/trixie/${amd64}${best}`,
      byHash: `dists/trixie/main/binary-amd64/by-hash/SHA256/${sha}`,
      digest: `sha256:${sha}`,
      sizeBytes: 10,
      plain: { digest: `sha256:${sha}`, sizeBytes: 10 },
      component: 'main',
    });
  });

  it('reads binary-all only where it adds packages', () => {
    expect(paths({}, [amd64, all])).toEqual([`dists/trixie/${amd64}`, `dists/trixie/${all}`]);
    expect(paths({ 'No-Support-for-Architecture-all': 'Packages' }, [amd64, all])).toEqual([`dists/trixie/${amd64}`]);
    expect(paths({ Architectures: 'amd64' }, [amd64, all])).toEqual([`dists/trixie/${amd64}`]);
    expect(paths({}, [amd64])).toEqual([`dists/trixie/${amd64}`]);
  });

  it('reads what the repository has for other architectures', () => {
    const i386 = 'main/binary-i386/Packages';
    const foreignArchitectures = ['i386', 'armhf'];
    expect(paths({ Architectures: 'all amd64 i386' }, [amd64, all, i386], { foreignArchitectures })).toEqual(
      [amd64, all, i386].map((path) => `dists/trixie/${path}`),
    );
    expect(paths({ Architectures: 'amd64 i386' }, [amd64, i386])).toEqual([`dists/trixie/${amd64}`]);
    expect(paths({ Architectures: 'amd64' }, [amd64], { foreignArchitectures })).toEqual([`dists/trixie/${amd64}`]);
    // A repository may be there for the other architecture alone, with components of its own.
    expect(paths({ Architectures: 'i386' }, [i386], { foreignArchitectures })).toEqual([`dists/trixie/${i386}`]);
    expect(() => paths({ Architectures: 'i386' }, [i386], { foreignArchitectures, components: ['extra'] })).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_COMPONENT_MISSING', facts: expect.objectContaining({ available: ['main'] }) }),
    );
    expect(() => paths({ Architectures: 'riscv64' }, [i386], { foreignArchitectures })).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_ARCHITECTURE_MISSING' }),
    );
  });

  it('has no by-hash path unless the repository says so, and no plain twin that is not listed', () => {
    const [index] = chooseIndexes(release({}, [`${amd64}.xz`]), repository, 'amd64');
    expect([index.byHash, index.plain]).toEqual([undefined, undefined]);
  });

  it('keeps the order of the components', () => {
    const files = ['main', 'contrib'].map((component) => `${component}/binary-amd64/Packages`);
    expect(paths({}, files, { components: ['contrib', 'main'] })).toEqual(files.reverse().map((path) => `dists/trixie/${path}`));
  });

  it('names the components that there are', () => {
    expect(() =>
      paths({}, [amd64, 'contrib/binary-amd64/Packages.gz', 'main/debian-installer/binary-amd64/Packages'], { components: ['universe'] }),
    ).toThrow(
      expect.objectContaining({
        code: 'ICT_DEB_COMPONENT_MISSING',
        facts: { repository: 'test', component: 'universe', available: ['contrib', 'main'] },
      }),
    );
    expect(() => paths({}, [amd64], { components: [] })).toThrow(expect.objectContaining({ code: 'ICT_DEB_COMPONENT_MISSING' }));
  });

  it('names the architectures that there are', () => {
    expect(() => paths({}, [amd64], {}, 'arm64')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_ARCHITECTURE_MISSING', facts: expect.objectContaining({ available: ['all', 'amd64'] }) }),
    );
    expect(() => paths({ Architectures: undefined }, [amd64], {}, 'arm64')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_ARCHITECTURE_MISSING' }),
    );
  });

  it('reads a flat repository beside its Release file', () => {
    expect(paths({ Architectures: undefined }, ['./Packages.gz', 'Packages'], { suite: './', components: [] })).toEqual(['Packages.gz']);
    expect(paths({ Architectures: undefined }, ['Packages'], { suite: 'stable/', components: [] })).toEqual(['stable/Packages']);
    expect(() => paths({}, ['Sources'], { suite: './', components: [] })).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_COMPONENT_MISSING' }),
    );
    expect(['/', './', './x/', 'x/y/', 'trixie'].map((suite) => releaseDirectory({ ...repository, suite }))).toEqual([
      '',
      '',
      'x/',
      'x/y/',
      'dists/trixie/',
    ]);
  });
});
