import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { debsToRpms, fetchDebianPackages, RpmWorkshop, type RpmKey, type RpmSpec } from '@ict/fixtures';
import { stringify } from 'yaml';
import { debianSource } from './debian-source.js';
import { repositoryRoot } from './ict.js';
import { madeOnce } from './made-once.js';
import { smallDisk } from './small-disk.js';

/** Public address of the generated repository; tests map it to a server on the loopback interface. */
export const RPM_ARCHIVE = 'http://archive.example.org/rpm';

/** Debian packages that the distribution is made from: enough for rpm to run in a tree, and to write a disk. */
const FROM_DEBIAN = [
  ...['base-files', 'base-passwd', 'coreutils', 'dash', 'gcc-14-base', 'libacl1', 'libattr1', 'libbz2-1.0', 'libc-bin', 'libc6', 'libcap2'],
  ...[
    'libgcc-s1',
    'libgmp10',
    'libhogweed6t64',
    'liblua5.3-0',
    'liblzma5',
    'libnettle8t64',
    'libpcre2-8-0',
    'libpopt0',
    'librpm-sequoia-1',
  ],
  ...['librpm10', 'librpmio10', 'libselinux1', 'libsqlite3-0', 'libssl3t64', 'libstdc++6', 'libsystemd0', 'libzstd1', 'rpm', 'rpm-common'],
  ...['libaudit-common', 'libaudit1', 'libcap-ng0', 'libdbus-1-3', 'zlib1g'],
  ...['e2fsprogs', 'libblkid1', 'libcom-err2', 'libext2fs2t64', 'libss2', 'libuuid1', 'logsave'],
];

/** What they depend on and do without here: helpers of maintainer scripts, and what builds packages. */
const ABSENT = [
  ...['awk', 'debconf', 'debianutils', 'libdebconfclient0', 'openssl-provider-legacy'],
  ...['debugedit', 'libarchive13t64', 'libelf1t64', 'libreadline8t64', 'librpmbuild10', 'librpmsign10', 'rpm2cpio'],
];

/** Where packages that were made in an earlier run are. */
const CACHE = join(repositoryRoot, 'node_modules', '.cache', 'ict', 'rpm-distribution');

/** Kernels, which are installed side by side; the image has the first two. */
const KERNELS = ['6.12.1', '6.9.4', '6.8.0'];

/** Files that only some people read, with the mark by which rpm knows them. */
const MANUAL = {
  '/usr/share/doc/mini-manual/README': '%doc',
  '/usr/share/licenses/mini-manual/LICENSE': '%license',
  '/usr/share/locale/de/LC_MESSAGES/mini.mo': '%lang(de)',
  '/usr/share/locale/fr/LC_MESSAGES/mini.mo': '%lang(fr)',
};

/** What triggers append to a file, sorted: in which order a transaction installs packages is no matter here. */
function told(file: string, command: string): readonly string[] {
  return [
    'mkdir -p /etc/mini-triggers',
    `${command} >> /etc/mini-triggers/${file}`,
    `sort -o /etc/mini-triggers/${file} /etc/mini-triggers/${file}`,
  ];
}

/** As {@link told}, of each path that a file trigger gets. Which arguments it gets is a matter of rpm's version. */
function toldOfPaths(file: string, trigger: string): readonly string[] {
  return told(file, `while read -r path; do echo "${trigger} $path"; done`);
}

/** Triggers of each kind that tell when they run, and for which packages or files. */
const TRIGGERS = [
  ...['%triggerin -- mini-library', ...told('packages', 'echo "triggerin $1 $2"')],
  ...['%triggerun -- mini-library', ...told('packages', 'echo "triggerun $1 $2"')],
  ...['%triggerpostun -- mini-library', ...told('packages', 'echo "triggerpostun $1 $2"')],
  ...['%filetriggerin -- /usr/lib/mini', ...toldOfPaths('files', 'filetriggerin')],
  ...['%filetriggerun -- /usr/lib/mini', ...toldOfPaths('files', 'filetriggerun')],
  ...['%transfiletriggerin -- /usr/lib/mini', ...toldOfPaths('transactions', 'transfiletriggerin')],
  ...['%transfiletriggerun -- /usr/lib/mini', ...toldOfPaths('transactions', 'transfiletriggerun')],
  ...['%transfiletriggerpostun -- /usr/lib/mini', ...told('transactions', 'echo transfiletriggerpostun')],
];

const GENERATED: readonly RpmSpec[] = [
  ...KERNELS.map((version) => ({
    name: 'mini-kernel',
    version,
    preamble: ['Provides: installonlypkg(kernel)'],
    files: { [`/usr/lib/modules/${version}-mini/vmlinuz`]: `kernel ${version} `.repeat(25_000) },
  })),
  { name: 'mini-loader', files: { '/usr/lib/mini/loader.efi': 'loader '.repeat(2_000) } },
  {
    name: 'mini-manual',
    files: Object.fromEntries(Object.keys(MANUAL).map((path) => [path, 'read\n'])),
    attributes: Object.fromEntries(Object.entries(MANUAL).map(([path, mark]) => [path, `%attr(644, root, root) ${mark}`])),
  },
  { name: 'mini-triggers', preamble: ['Requires(pre): coreutils'], files: { '/usr/lib/mini/triggers': 'triggers\n' }, more: TRIGGERS },
  { name: 'mini-library', version: '1.2', files: { '/usr/lib/mini/library': 'library\n' } },
  {
    name: 'mini-service',
    preamble: ['Requires: (mini-library >= 1 or mini-nothing)', 'Requires(post): coreutils', 'Requires(pre): base-passwd'],
    files: { '/usr/lib/mini/service': 'service\n', '/usr/lib/mini/capable': 'capable\n', '/usr/lib/mini/shared': 'shared\n' },
    attributes: {
      '/usr/lib/mini/capable': '%attr(0755, root, root) %caps(cap_net_raw=ep)',
      '/usr/lib/mini/shared': '%attr(2755, root, mail)',
    },
    more: ['%ghost %attr(644, root, root) /etc/mini-service', '%post', 'echo "installed $1" > /etc/mini-service'],
  },
];

/** A distribution of about forty rpm packages, signed with a throw-away key. */
export interface RpmDistribution {
  /** Directory that a server serves as {@link RPM_ARCHIVE}. */
  readonly archive: string;
  /** Distribution definition, for `--distro-file`. */
  readonly definition: string;
  readonly template: string;
  readonly key: RpmKey;
  /** What the image is asked to have, as dnf is asked for it. */
  readonly requests: readonly string[];
  /** Signs changed repositories; whoever made the distribution closes it. */
  readonly workshop: RpmWorkshop;
}

/** Makes the distribution out of packages of the real Debian archive. @param run directory of the test run. */
export async function createRpmDistribution(run: string, directory: string): Promise<RpmDistribution> {
  // Once a run: who makes the packages anew clears the cache of those of before.
  const unsigned = await madeOnce(run, 'mini-rpms', async (made) => {
    const files = await fetchDebianPackages(FROM_DEBIAN, await debianSource(run), join(made, 'debian'));
    return debsToRpms({ debs: FROM_DEBIAN.map((name) => files.get(name) as string), absent: ABSENT, trimmed: true }, CACHE);
  });
  const workshop = new RpmWorkshop();
  const key = workshop.key('archive');
  const packages = join(workshop.directory, 'packages');
  await mkdir(packages);
  const copies = [...unsigned, ...GENERATED.map((spec) => workshop.build(spec))].map((from) => ({
    from,
    to: join(packages, basename(from)),
  }));
  await Promise.all(copies.map(({ from, to }) => copyFile(from, to)));
  const signed = copies.map(({ to }) => to);
  workshop.sign(signed, key);
  const archive = workshop.repository('repository', signed, key);
  await mkdir(directory, { recursive: true });
  await copyFile(key.keyring, join(directory, 'keyring.asc'));
  const definition = join(directory, 'rpm.yml');
  await writeFile(definition, stringify(RPM_DEFINITION));
  const template = join(directory, 'template.yml');
  await writeFile(template, stringify(RPM_TEMPLATE));
  return { archive, definition, template, key, requests: REQUESTS, workshop };
}

/** Writes a variant of the distribution's template beside it. @param change what is different. @returns its path. */
export function rpmTemplate(distribution: RpmDistribution, name: string, change: (template: typeof RPM_TEMPLATE) => void): Promise<string> {
  return writeVariant(distribution.template, name, RPM_TEMPLATE, change);
}

/** As {@link rpmTemplate}, of the definition. */
export function rpmDefinition(
  distribution: RpmDistribution,
  name: string,
  change: (definition: typeof RPM_DEFINITION) => void,
): Promise<string> {
  return writeVariant(distribution.definition, name, RPM_DEFINITION, change);
}

async function writeVariant<T>(beside: string, name: string, usual: T, change: (copy: T) => void): Promise<string> {
  const copy = structuredClone(usual);
  change(copy);
  const file = join(dirname(beside), name);
  await writeFile(file, stringify(copy));
  return file;
}

const ESSENTIAL = ['base-files', 'base-passwd', 'coreutils', 'dash', 'libc-bin', 'rpm'];

/** What the image has of its definition and its template: its base, its boot loader, its kernel, a service, and triggers. */
const REQUESTS = [
  ...ESSENTIAL,
  'mini-loader',
  ...KERNELS.slice(0, 2).map((version) => `mini-kernel-${version}`),
  ...['mini-service', 'mini-triggers'],
];

/** The definition; its keyring lies beside it. */
const RPM_DEFINITION = {
  apiVersion: 1,
  ecosystem: 'rpm',
  os: 'mini',
  dist: 'rpm1',
  title: 'Miniature of rpm packages for tests',
  architectures: ['x86_64'],
  repositories: [{ id: 'mini', archive: RPM_ARCHIVE, keyrings: ['keyring.asc'] }],
  essential: { packages: ESSENTIAL },
  boot: {
    // As el10, fedora43 and leap16 have it; deb distributions have theirs in /boot.
    kernel: '/lib/modules/*/vmlinuz',
    initrd: '/boot/initramfs-${kernelVersion}.img',
    makeInitrd: ['cp', '/lib/modules/${kernelVersion}/vmlinuz', '${output}'],
    loaders: { 'systemd-boot': { package: 'mini-loader', efi: '/usr/lib/mini/loader.efi' } },
  },
  tools: { packages: { ext: ['e2fsprogs'] } },
  defaults: { raw: {}, img: {}, iso: {} },
  quirks: { preExtract: ['base-files'] },
};

const RPM_TEMPLATE = {
  image: { name: 'mini', version: '1.0' },
  target: { os: 'mini', dist: 'rpm1', arch: 'x86_64', imageType: 'raw' },
  disk: smallDisk('Mini', '160MiB'),
  systemConfig: {
    name: 'mini',
    hostname: 'mini',
    bootloader: { bootType: 'efi', provider: 'systemd-boot' },
    packages: ['mini-service', 'mini-triggers'],
    kernel: { cmdline: 'console=ttyS0', packages: KERNELS.slice(0, 2).map((version) => `mini-kernel=${version}`) },
  },
};
