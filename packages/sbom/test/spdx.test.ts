import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BillInput } from '@ict/plugin-api';
import { createSpdxExporter } from '../src/spdx.js';
import { SpdxIds } from '../src/spdx-id.js';
import { formatSupplier } from '../src/supplier.js';
import { bill, digest, installed, resolved } from './support/bill.js';
import { spdxViolations, type SpdxDocument } from './support/spdx-rules.js';

const exporter = createSpdxExporter();
const text = (input: BillInput): string => new TextDecoder().decode(exporter.export(input));
const documentOf = (input: BillInput): SpdxDocument => JSON.parse(text(input)) as SpdxDocument;

describe('the SPDX document', () => {
  it('keeps the rules of SPDX 2.3', () => {
    expect(spdxViolations(documentOf(bill()))).toEqual([]);
    expect([exporter.name, exporter.extension]).toEqual(['spdx', 'spdx.json']);
  });

  it('says of a package where it came from, what it is and who supplies it', () => {
    expect(documentOf(bill()).packages[3]).toEqual({
      SPDXID: 'SPDXRef-Package-libc6-amd64',
      name: 'libc6',
      versionInfo: '1.0-1',
      packageFileName: 'libc6_1.0-1_amd64.deb',
      supplier: 'Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)',
      downloadLocation: 'http://ftp.debian.org/debian/pool/main/g/glibc/libc6_1.0-1_amd64.deb',
      filesAnalyzed: false,
      checksums: [{ algorithm: 'SHA256', checksumValue: 'cd'.repeat(32) }],
      homepage: 'https://www.gnu.org/software/libc/',
      sourceInfo: 'built from source package glibc 1.0-1',
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: 'LGPL-2.1-or-later AND LicenseRef-DEC',
      copyrightText: '1991 Somebody',
      summary: 'the C library',
      externalRefs: [
        { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: 'pkg:deb/debian/libc6@1.0-1?arch=amd64' },
      ],
      primaryPackagePurpose: 'INSTALL',
    });
  });

  it('says of a package that lies elsewhere than in the archive of its repository where it came from', () => {
    const input = bill();
    const packages = input.packages.map((pkg) => (pkg.name === 'libc6' ? { ...pkg, archive: 'https://packages.example/os' } : pkg));
    expect(documentOf({ ...input, packages }).packages[3]).toMatchObject({
      name: 'libc6',
      downloadLocation: 'https://packages.example/os/pool/main/g/glibc/libc6_1.0-1_amd64.deb',
    });
  });

  it('asserts nothing of where a package is to be had whose repository is a directory beside the template', () => {
    const input = bill();
    const repositories = input.repositories.map((one) => ({ ...one, archive: './own' }));
    expect(documentOf({ ...input, repositories }).packages[3]).toMatchObject({ name: 'libc6', downloadLocation: 'NOASSERTION' });
  });

  it('asserts nothing of a package that is not, or no longer, what the lock says', () => {
    const replaced = bill({ installed: [installed('dash', { version: '2.0' }), installed('extra')] });
    for (const pkg of documentOf(replaced).packages.slice(1, 3)) {
      expect(pkg).toMatchObject({ downloadLocation: 'NOASSERTION', supplier: 'NOASSERTION', licenseDeclared: 'NOASSERTION' });
      expect(Object.keys(pkg)).not.toContain('checksums');
    }
  });

  it('relates image, packages and files', () => {
    const short = documentOf(bill()).relationships.map((relationship) =>
      Object.values(relationship)
        .map((id) => id.replace('SPDXRef-', ''))
        .join(' '),
    );
    expect(short).toEqual([
      'DOCUMENT DESCRIBES Image-minimal',
      'Image-minimal CONTAINS Package-dash-amd64',
      'Image-minimal CONTAINS Package-extra-amd64',
      'Image-minimal CONTAINS Package-libc6-amd64',
      'Package-dash-amd64 DEPENDS_ON Package-libc6-amd64',
      'Package-libc6-amd64 DEPENDS_ON Package-dash-amd64',
      'Artifact-minimal-1.0.qcow2 GENERATED_FROM Image-minimal',
      'Artifact-minimal-1.0.raw GENERATED_FROM Image-minimal',
    ]);
  });

  it('explains each licence that SPDX does not list, once', () => {
    const licences = documentOf(bill()).hasExtractedLicensingInfos;
    expect(licences?.map(({ licenseId }) => licenseId)).toEqual(['LicenseRef-DEC']);
    expect(licences?.[0]?.extractedText).toContain('dash, libc6');
    expect(documentOf(bill({ installed: [installed('extra')] })).hasExtractedLicensingInfos).toBeUndefined();
  });

  it('has the time of the epoch, and a namespace of lock and content', () => {
    const first = documentOf(bill());
    expect(first.creationInfo).toEqual({ created: '2023-11-14T22:13:20Z', creators: ['Tool: ict-0.1.0'] });
    expect(first.documentNamespace).toMatch(/^https:\/\/spdx\.org\/spdxdocs\/minimal-1\.0-[0-9a-f-]{36}$/u);
    expect(documentOf(bill({ seed: digest('00') })).documentNamespace).not.toBe(first.documentNamespace);
    expect(documentOf(bill({ creator: 'ict 0.2.0' })).documentNamespace).not.toBe(first.documentNamespace);
  });

  it('does not depend on the order of its input', () => {
    const given = bill();
    const expected = text(given);
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(order, (numbers) => {
        const shuffle = <T>(items: readonly T[]): T[] =>
          items
            .map((item) => ({ item, at: numbers.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ item }) => item);
        const shuffled = bill({
          installed: shuffle(given.installed),
          packages: shuffle(given.packages.map((pkg) => ({ ...pkg, requires: shuffle(pkg.requires) }))),
          artifacts: shuffle(given.artifacts),
        });
        expect(text(shuffled)).toBe(expected);
      }),
    );
  });

  it('keeps the rules for any names, versions and maintainers', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9+.:~_-]{0,12}$/u);
    const anyPackage = fc.record({
      name: word,
      version: word,
      maintainer: fc.string(),
      summary: fc.string({ minLength: 1 }),
      homepage: fc.string(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(anyPackage, { selector: ({ name }) => name, maxLength: 8 }), (packages) => {
        const names = packages.map(({ name }) => `${name}:amd64`);
        const input = bill({
          installed: packages.map(({ name, ...more }) => installed(name, more)),
          packages: packages.map(({ name, version }) => resolved(name, { version, requires: names })),
        });
        expect(spdxViolations(documentOf(input))).toEqual([]);
      }),
    );
  });

  it.each<[string, Partial<BillInput>]>([
    ['a package twice', { installed: [installed('dash'), installed('dash')] }],
    ['a package of an unknown repository', { packages: [resolved('dash', { repository: 'elsewhere' })] }],
  ])('refuses %s', (_, change) => {
    expect(() => exporter.export(bill(change))).toThrowError(expect.objectContaining({ code: 'ICT_SBOM_INPUT', kind: 'internal' }));
  });
});

describe('SpdxIds', () => {
  it('makes different identifiers of names that come out alike', () => {
    const ids = new SpdxIds();
    expect(['g++', 'g-2b-2b', 'g++', 'a_b'].map((name) => ids.take('Package', name))).toEqual([
      'SPDXRef-Package-g-2b-2b',
      'SPDXRef-Package-g-2b-2b-2',
      'SPDXRef-Package-g-2b-2b-3',
      'SPDXRef-Package-a-5fb',
    ]);
  });
});

describe('formatSupplier', () => {
  it.each([
    ['Ann Author <ann@example.org>', 'Person: Ann Author (ann@example.org)'],
    ['"Ann B. Author" <ann@example.org>', 'Person: Ann B. Author (ann@example.org)'],
    ['Debian systemd Maintainers <pkg@alioth-lists.debian.net>', 'Organization: Debian systemd Maintainers (pkg@alioth-lists.debian.net)'],
    ['Ann Author <ann@lists.example.org>', 'Organization: Ann Author (ann@lists.example.org)'],
    ['Ubuntu Kernel Team', 'Organization: Ubuntu Kernel Team'],
    ['<ann@example.org>', 'Person: ann@example.org'],
    ['  ', 'NOASSERTION'],
    ['<>', 'NOASSERTION'],
    [undefined, 'NOASSERTION'],
  ])('of %j is %s', (maintainer, expected) => {
    expect(formatSupplier(maintainer)).toBe(expected);
  });
});
