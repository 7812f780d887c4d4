import type { BillInput, Digest, ImageSpec, PartitionSpec, ResolvedPackage } from '@ict/plugin-api';

export const digest = (digits: string): Digest => `sha256:${digits.repeat(64 / digits.length)}` as Digest;

type Installed = BillInput['installed'][number];

export function installed(name: string, more: Partial<Installed> = {}): Installed {
  return { name, version: '1.0-1', arch: 'amd64', purl: `pkg:deb/debian/${encodeURIComponent(name)}@1.0-1?arch=amd64`, ...more };
}

export function resolved(name: string, more: Partial<ResolvedPackage> = {}): ResolvedPackage {
  return {
    id: `${name}:amd64`,
    name,
    version: '1.0-1',
    arch: 'amd64',
    repository: 'debian-trixie',
    path: `pool/main/${name[0]}/${name}/${name}_1.0-1_amd64.deb`,
    digest: digest('ab'),
    sizeBytes: 1000,
    requires: [],
    requestedBy: ['template'],
    ...more,
  };
}

/** A small image: libc6, a shell that needs it, and a package that a command installed. */
export function bill(more: Partial<BillInput> = {}): BillInput {
  return {
    spec: {
      image: { name: 'minimal', version: '1.0' },
      target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' },
      disk: { partitions: [] as readonly PartitionSpec[] },
      system: { name: 'minimal', description: 'A small image', bootloader: { bootType: 'efi', provider: 'grub' } },
    } as ImageSpec,
    distribution: { title: 'Debian 13' } as BillInput['distribution'],
    installed: [
      installed('libc6', {
        maintainer: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
        source: { name: 'glibc', version: '1.0-1' },
        licence: 'LGPL-2.1-or-later AND LicenseRef-DEC',
        copyright: '1991 Somebody',
        homepage: 'https://www.gnu.org/software/libc/',
        summary: 'the C library',
      }),
      installed('dash', { maintainer: 'Ann Author <ann@example.org>', licence: 'BSD-3-Clause OR LicenseRef-DEC', homepage: 'not a URL' }),
      installed('extra'),
    ],
    packages: [
      resolved('dash', { requires: ['libc6:amd64', 'not-installed:amd64'], requestedBy: ['libc6:amd64', 'essential'] }),
      resolved('libc6', { requires: ['dash:amd64', 'libc6:amd64'], path: 'pool/main/g/glibc/libc6_1.0-1_amd64.deb', digest: digest('cd') }),
      resolved('not-installed'),
    ],
    repositories: [
      {
        id: 'debian-trixie',
        archive: 'http://ftp.debian.org/debian',
        suite: 'trixie',
        components: ['main'],
        root: { path: 'dists/trixie/InRelease', digest: digest('ef'), sizeBytes: 100, dateSeconds: 1_699_000_000, version: '13.1' },
        signers: ['F'.repeat(40), 'A'.repeat(40)],
      },
    ],
    artifacts: [
      { name: 'minimal-1.0.raw', digest: digest('12'), sizeBytes: 2048 },
      { name: 'minimal-1.0.qcow2', digest: digest('34'), sizeBytes: 1024 },
    ],
    epochSeconds: 1_700_000_000,
    seed: digest('5e'),
    creator: 'ict 0.1.0',
    ...more,
  };
}

/** A small image of rpm packages, each of which fills every field; digests are as long as `digestOfPackages` makes them. */
export function rpmBill(digestOfPackages: Digest = digest('ab')): BillInput {
  const names = ['bash', 'glibc'];
  const version = '2:5.3.0-2.fc44';
  const description = bill();
  return bill({
    spec: { ...description.spec, target: { os: 'fedora', dist: 'fedora44', arch: 'x86_64', imageType: 'raw' } } as ImageSpec,
    distribution: { title: 'Fedora 44' } as BillInput['distribution'],
    installed: names.map((name) => ({
      name,
      version,
      arch: 'x86_64',
      purl: `pkg:rpm/fedora/${name}@5.3.0-2.fc44?arch=x86_64&distro=fedora-44&epoch=2`,
      maintainer: 'Fedora Project',
      source: { name, version },
      licence: 'GPL-3.0-or-later AND LicenseRef-Callaway-Public-Domain',
      copyright: '2026 Somebody',
      homepage: `https://example.org/${name}`,
      summary: `the package ${name}`,
    })),
    packages: names.map((name) =>
      resolved(name, {
        id: `${name}:x86_64`,
        version,
        arch: 'x86_64',
        repository: 'fedora',
        path: `Packages/${name[0]}/${name}-5.3.0-2.fc44.x86_64.rpm`,
        digest: digestOfPackages,
        requires: names.map((other) => `${other}:x86_64`),
      }),
    ),
    repositories: description.repositories.map((repository) => ({ ...repository, id: 'fedora', archive: 'https://example.org/fedora' })),
  });
}
