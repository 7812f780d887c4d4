import { readFileSync } from 'node:fs';
import type { DistributionDefinition, InstalledPackage, TreeSession } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInventory, parseStatus } from '../src/install/inventory.js';
import { formatPurl } from '../src/purl.js';

const STATUS = `Package: zlib1g
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: zlib (1:1.2.13.dfsg-1)
Version: 1:1.2.13.dfsg-1+b1
Maintainer: Mark Brown <broonie@debian.org>
Homepage: http://zlib.net/
Description: compression library - runtime
 zlib is a library implementing the deflate compression method.

Package: usr-is-merged
Status: hold ok installed
Architecture: all
Version: 37~deb12u1
Conffiles:
 /etc/x 0123

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install ok half-configured
Architecture: all
Version: 1

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash
Version: 5
`;

const tree = (files: Readonly<Record<string, string | Uint8Array>>): TreeSession => {
  const read = async (path: string) => (files[path] === undefined ? undefined : new Uint8Array(Buffer.from(files[path])));
  return { read } as Partial<TreeSession> as TreeSession;
};
const copyright = readFileSync(new URL('fixtures/usr-is-merged-copyright', import.meta.url));

describe('inventory', () => {
  it('lists what is installed, with the licences that the packages declare', async () => {
    const installed = await createInventory().list(
      tree({
        '/var/lib/dpkg/status': STATUS,
        '/usr/share/doc/usr-is-merged/copyright': copyright,
        '/usr/share/doc/bash/copyright': 'This is Debian GNU/Linux.\n',
      }),
    );
    expect(installed).toEqual([
      { name: 'bash', version: '5', arch: 'amd64', source: { name: 'bash', version: '5' } },
      {
        name: 'usr-is-merged',
        version: '37~deb12u1',
        arch: 'all',
        source: { name: 'usr-is-merged', version: '37~deb12u1' },
        licence: 'GPL-2.0-or-later',
        copyright: "2014-2022 Marco d'Itri <md@linux.it>",
      },
      {
        name: 'zlib1g',
        version: '1:1.2.13.dfsg-1+b1',
        arch: 'amd64',
        source: { name: 'zlib', version: '1:1.2.13.dfsg-1' },
        maintainer: 'Mark Brown <broonie@debian.org>',
        homepage: 'http://zlib.net/',
        summary: 'compression library - runtime',
      },
    ]);
  });

  it('finds nothing in a tree without dpkg', async () => {
    expect(await createInventory().list(tree({}))).toEqual([]);
    expect(parseStatus('')).toEqual([]);
  });

  it.each(['Package', 'Version', 'Architecture'])('refuses an installed package without %s', (field) => {
    const broken = `Status: install ok installed\nPackage: a\nVersion: 1\nArchitecture: all\n`.replace(
      new RegExp(`^${field}:.*\n`, 'm'),
      '',
    );
    expect(() => parseStatus(broken)).toThrow(expect.objectContaining({ code: 'ICT_DEB_STATUS_INVALID', facts: { line: 1, field } }));
  });

  it('never reads a file outside the documentation', () => {
    expect(() => parseStatus('Package: ../../etc\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n')).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_STATUS_INVALID' }),
    );
  });

  /** What `parseStatus` says to bytes: names that can be used in a path, or the code of an error of this package. */
  function expectAnswer(bytes: Uint8Array): number {
    let found: readonly InstalledPackage[];
    try {
      found = parseStatus(new TextDecoder().decode(bytes));
    } catch (error) {
      expect(['ICT_DEB_STANZA_INVALID', 'ICT_DEB_STATUS_INVALID']).toContain((error as { code?: string }).code);
      return 0;
    }
    for (const { name, version, arch } of found) for (const text of [name, version, arch]) expect(text).toMatch(/^[^/\s]+$/);
    return found.length;
  }

  it('answers or refuses any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => void expectAnswer(bytes)));
  });

  it('answers or refuses any lines that look like those of dpkg', () => {
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('Status: install ok installed', 'Package: a', 'Version: 1:2-3', 'Architecture: amd64') },
      fc.constantFrom(
        '',
        ' ',
        ' .',
        ' continued',
        'Status: install ok',
        'Source: a (',
        'Source: a (1)',
        'Description:',
        'Package:',
        ':',
        '\r',
      ),
      fc
        .tuple(fc.constantFrom('Package', 'Version', 'Architecture', 'Source', 'Status'), fc.string())
        .map(([name, text]) => `${name}: ${text}`),
      fc.string(),
    );
    let packages = 0;
    const installed = ['Status: install ok installed', 'Package: a', 'Version: 1', 'Architecture: all'];
    const stanza = fc
      .tuple(fc.constantFrom([], installed), fc.array(line, { maxLength: 4 }))
      .map(([first, rest]) => [...first, ...rest].join('\n'));
    fc.assert(
      fc.property(fc.array(stanza, { maxLength: 4 }), (stanzas) => {
        packages += expectAnswer(Buffer.from(stanzas.join('\n\n')));
      }),
      { numRuns: 1000 },
    );
    expect(packages).toBeGreaterThan(0);
  });

  it.each([
    ['one field', `Package: ${'a'.repeat(500_000)}\n`],
    ['white space', `Status: install${' '.repeat(500_000)}ok\n`],
    [
      'a source with white space',
      `Status: install ok installed\nPackage: a\nVersion: 1\nArchitecture: all\nSource: a${' '.repeat(100_000)}x\n`,
    ],
    ['open brackets', `Status: install ok installed\nPackage: a\nVersion: 1\nArchitecture: all\nSource: a ${'('.repeat(500_000)}\n`],
    ['stanzas', 'Package: a\n\n'.repeat(50_000)],
    ['lines without an end', 'Package: a\n' + ' b\n'.repeat(200_000)],
  ])('takes time in step with the length of %s', (_, text) => {
    const started = performance.now();
    expectAnswer(Buffer.from(text));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('names packages by URL', () => {
    const repositories = [{ expect: { codename: 'trixie' } }];
    const debian = { os: 'debian', dist: 'debian13', repositories } as unknown as DistributionDefinition;
    const [first] = parseStatus(STATUS).filter(({ name }) => name === 'zlib1g');
    expect(createInventory().purl(first, debian)).toBe('pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1%2Bb1?arch=amd64&distro=trixie');
    expect(createInventory().purl(first, { ...debian, repositories: [] })).toBe(
      'pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1%2Bb1?arch=amd64&distro=debian13',
    );
  });
});

describe('formatPurl', () => {
  const base = { namespace: 'debian', name: 'attr', version: '1:2.4.47-2+b1', arch: 'amd64', distro: 'stretch' };

  it.each([
    [{}, 'pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=stretch'],
    [
      { namespace: 'Debian', name: 'libstdc++6', version: '12.2.0-14' },
      'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=stretch',
    ],
    [{ version: '37~deb12u1', arch: 'all' }, 'pkg:deb/debian/attr@37~deb12u1?arch=all&distro=stretch'],
    [{ version: "1 (a)!*'" }, 'pkg:deb/debian/attr@1%20%28a%29%21%2A%27?arch=amd64&distro=stretch'],
  ])('%j', (parts, expected) => {
    expect(formatPurl({ ...base, ...parts })).toBe(expected);
  });

  it('can be taken apart again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (version) => {
        const match = /^pkg:deb\/debian\/attr@([^?/@#]+)\?arch=amd64&distro=stretch$/.exec(formatPurl({ ...base, version }));
        expect(decodeURIComponent(match?.[1] ?? '')).toBe(version);
      }),
    );
  });
});
