import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createSigningKey } from '@ict/fixtures';
import { stringify } from 'yaml';
import { smallDisk } from './small-disk.js';

const run = promisify(execFile);

/** Public address that the third party's definition names; tests map it to a server on the loopback interface. */
export const ACME_ARCHIVE = 'http://archive.example.org/acme';

/** Debian packages that each tarball is made of. Their maintainer scripts are left behind. */
const FROM_DEBIAN = {
  base: [
    ...['coreutils', 'dash', 'libacl1', 'libattr1', 'libc6', 'libcap2', 'libgcc-s1', 'libgmp10', 'libpcre2-8-0', 'libselinux1'],
    ...['libssl3t64', 'libsystemd0', 'libzstd1', 'zlib1g'],
  ],
  'disk-tools': ['e2fsprogs', 'libblkid1', 'libcom-err2', 'libext2fs2t64', 'libss2', 'libuuid1'],
};

const KERNEL = '6.12.1-acme';

/** Files of packages that nobody has to take from elsewhere. */
const WRITTEN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  base: {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/etc/os-release': 'ID=acme\nPRETTY_NAME="Acme 1"\n',
  },
  kernel: { [`/boot/vmlinuz-${KERNEL}`]: 'kernel '.repeat(50_000) },
  loader: { '/usr/lib/loader/loader.efi': 'loader '.repeat(2_000) },
  service: { '/usr/lib/service/settings': 'on\n' },
  'service-library': { '/usr/lib/service/library': 'library\n' },
};

const REQUIRES: Readonly<Record<string, readonly string[]>> = {
  'disk-tools': ['base'],
  service: ['service-library'],
  'service-library': ['base'],
};

/** What the third party's package has for making repositories: its module `ict-tarballs/publish`. */
export interface TarballPublisher {
  publish(repository: {
    readonly directory: string;
    readonly packages: readonly {
      readonly name: string;
      readonly version: string;
      readonly tree: string;
      readonly requires: readonly string[];
    }[];
    readonly date: number;
    readonly validUntil: number;
    readonly clearsign: (text: string) => Promise<string>;
  }): Promise<void>;
}

/** A distribution in the third party's format. */
export interface AcmeDistribution {
  /** Directory that a server serves as {@link ACME_ARCHIVE}. */
  readonly archive: string;
  readonly keyring: string;
  readonly fingerprint: string;
  readonly template: string;
}

/**
 * Makes tarballs out of Debian packages and publishes them with the third party's own code.
 *
 * @param packages directory with real .deb files.
 * @param directory receives everything.
 */
export async function createAcmeDistribution(packages: string, directory: string, publisher: TarballPublisher): Promise<AcmeDistribution> {
  const key = await createSigningKey('Acme');
  const names = [...new Set([...Object.keys(FROM_DEBIAN), ...Object.keys(WRITTEN)])].sort();
  const sources = [];
  for (const name of names) {
    const tree = join(directory, 'trees', name);
    await makeTree(name, tree, packages);
    sources.push({ name, version: '1.0', tree, requires: REQUIRES[name] ?? [] });
  }
  const archive = join(directory, 'archive');
  const now = Math.floor(Date.now() / 1000);
  await publisher.publish({
    directory: archive,
    packages: sources,
    date: 1_760_000_000,
    validUntil: now + 86_400,
    clearsign: (text) => key.clearsign(text),
  });
  const keyring = join(directory, 'keyring.gpg');
  await writeFile(keyring, key.keyring);
  const template = join(directory, 'template.yml');
  await writeFile(template, stringify(TEMPLATE));
  return { archive, keyring, fingerprint: key.fingerprint, template };
}

async function makeTree(name: string, tree: string, packages: string): Promise<void> {
  if (name === 'base') {
    for (const part of ['bin', 'sbin', 'lib', 'lib64']) {
      await mkdir(join(tree, 'usr', part), { recursive: true });
      await symlink(`usr/${part}`, join(tree, part));
    }
    for (const part of ['dev', 'proc', 'run', 'sys', 'tmp', 'root', 'var']) await mkdir(join(tree, part));
  }
  const files = await readdir(packages);
  for (const deb of FROM_DEBIAN[name as keyof typeof FROM_DEBIAN] ?? []) {
    const file = files.find((candidate) => candidate.startsWith(`${deb}_`) && candidate.endsWith('.deb'));
    if (file === undefined) throw new Error(`${packages} has no package ${deb}; build the Debian template first`);
    await run('dpkg-deb', ['--extract', join(packages, file), tree]);
  }
  for (const [path, content] of Object.entries(WRITTEN[name] ?? {})) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), content);
  }
}

const TEMPLATE = {
  image: { name: 'acme', version: '1.0' },
  target: { os: 'acme', dist: 'acme1', arch: 'x86_64', imageType: 'raw' },
  disk: smallDisk('Acme', '160MiB'),
  systemConfig: {
    name: 'acme',
    hostname: 'acme',
    bootloader: { bootType: 'efi', provider: 'systemd-boot' },
    packages: ['service'],
    kernel: { cmdline: 'console=ttyS0', packages: ['kernel'] },
    configurations: [{ cmd: 'echo configured > /etc/acme' }],
  },
};
