import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildArchive,
  buildDeb,
  createSigningKey,
  efiProgram,
  joinDebs,
  trimDeb,
  type ArchiveSpec,
  type DebSpec,
  type SigningKey,
} from '@ict/fixtures';
import { stringify } from 'yaml';
import { smallDisk } from './small-disk.js';

/** Public address of the generated archive; tests map it to a server on the loopback interface. */
export const MINI_ARCHIVE = 'http://archive.example.org/mini';

/** Real packages that the miniature consists of: enough for dpkg to install and configure, and to write a disk. */
const REAL = [
  ...['coreutils', 'dash', 'debianutils', 'diffutils', 'dpkg', 'libc-bin', 'libc6', 'libudev1', 'sed', 'tar'],
  ...['e2fsprogs', 'libblkid1', 'libcom-err2', 'libext2fs2t64', 'libss2', 'libuuid1', 'logsave'],
  ...['erofs-utils', 'libdeflate0', 'liblz4-1', 'liblzo2-2', 'libxxhash0', 'squashfs-tools'],
];

/** Real packages whose files are one of the miniature, which provides them: dpkg starts five processes for each package, and every test waits for them. */
const JOINED = [
  ...['gcc-14-base', 'libacl1', 'libattr1', 'libbz2-1.0', 'libcap2', 'libgcc-s1', 'libgmp10', 'liblzma5', 'libmd0', 'libpcre2-8-0'],
  ...['libselinux1', 'libssl3t64', 'libsystemd0', 'libzstd1', 'openssl-provider-legacy', 'zlib1g'],
];

/** A distribution of about thirty packages, signed with a key of its own: it builds in seconds. */
export interface MiniDistribution {
  /** Directory that a server serves as {@link MINI_ARCHIVE}. */
  readonly archive: string;
  /** Distribution definition, for `--distro-file`. */
  readonly definition: string;
  readonly template: string;
  readonly key: SigningKey;
  /** What the archive was made from; tests rebuild it with changes. */
  readonly spec: ArchiveSpec;
}

/**
 * Makes the packages of the miniature, the real ones out of those that an earlier build of the real archive left in the package cache.
 *
 * @param packages directory with real .deb files.
 * @param directory receives the new ones.
 * @returns their paths.
 */
export async function createMiniPackages(packages: string, directory: string): Promise<readonly string[]> {
  const names = await readdir(packages);
  const find = (name: string): string => {
    const file = names.find((candidate) => candidate.startsWith(`${name}_`) && candidate.endsWith('.deb'));
    if (file === undefined) throw new Error(`${packages} has no package ${name}; build the Debian template first`);
    return join(packages, file);
  };
  const made = [
    ...REAL.map((name) => trimDeb(find(name), directory)),
    joinDebs(JOINED.map(find), 'mini-libraries', directory),
    ...GENERATED.map((spec) => buildDeb(spec, directory)),
  ];
  return Promise.all(made);
}

/**
 * Makes the miniature.
 *
 * @param debs what {@link createMiniPackages} made; the archive gets copies.
 * @param directory receives everything else.
 */
export async function createMiniDistribution(debs: readonly string[], directory: string): Promise<MiniDistribution> {
  await mkdir(directory, { recursive: true });
  const key = await createSigningKey('ICT test archive');
  const spec: ArchiveSpec = {
    root: join(directory, 'archive'),
    suite: 'mini',
    debs,
    key,
    dateSeconds: 1_760_000_000,
  };
  await buildArchive(spec);
  await writeFile(join(directory, 'keyring.gpg'), key.keyring);
  const definition = join(directory, 'mini.yml');
  await writeFile(definition, stringify(MINI_DEFINITION));
  const template = join(directory, 'template.yml');
  await writeFile(template, stringify(miniTemplate()));
  return { archive: spec.root, definition, template, key, spec };
}

/** A package without scripts: a program, data and a configuration file. */
export function miniTool(version: string): DebSpec {
  const files = {
    '/usr/bin/mini-tool': `#!/bin/sh\n# ${version}\n`,
    [`/usr/share/mini-tool/data-${version}`]: 'data\n',
    '/etc/mini-tool/settings': `version=${version}\n`,
  };
  return { name: 'mini-tool', version, files, conffiles: ['/etc/mini-tool/settings'] };
}

/** A package that takes the next free id for a user of its own, and asks the policy whether it may start. */
function miniDaemon(name: string): DebSpec {
  const postinst = [
    '#!/bin/sh',
    'set -e',
    'id=$((900 + $(wc -l < /etc/passwd)))',
    `echo "${name}:x:$id:$id::/:/bin/false" >> /etc/passwd`,
    `if /usr/sbin/policy-rc.d ${name} start; then echo started; else echo "refused with $?"; fi > /etc/${name}`,
  ];
  return { name, version: '1', scripts: { postinst: `${postinst.join('\n')}\n` } };
}

const KERNEL = '6.12.1-mini';

const GENERATED: readonly DebSpec[] = [
  {
    name: 'mini-base',
    version: '1',
    fields: { Essential: 'yes' },
    files: {
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
      '/etc/group': 'root:x:0:\n',
      '/etc/os-release': 'ID=mini\nPRETTY_NAME="Miniature"\n',
      '/root/.keep': '',
      '/var/log/.keep': '',
    },
  },
  { name: 'mini-kernel', version: '6.12.1', files: { [`/boot/vmlinuz-${KERNEL}`]: 'kernel '.repeat(50_000) } },
  {
    name: 'mini-loader',
    version: '1',
    files: {
      '/usr/lib/mini/loader.efi': efiProgram({ trailing: Buffer.from('loader '.repeat(2_000)) }),
      '/usr/lib/mini/stub.efi': efiProgram(),
    },
  },
  {
    name: 'mini-service',
    version: '1',
    fields: { Depends: 'mini-library (>= 1)' },
    scripts: { postinst: '#!/bin/sh\nset -e\necho "$1" > /etc/mini-service\n' },
  },
  {
    // As far as an immutable image needs them by their names.
    name: 'mini-verity',
    version: '1',
    files: Object.fromEntries(
      ['/usr/lib/systemd/systemd', '/usr/bin/mount', '/usr/sbin/veritysetup', '/usr/share/initramfs-tools/hook-functions'].map((file) => [
        file,
        '',
      ]),
    ),
  },
  miniDaemon('mini-daemon'),
  miniDaemon('mini-monitor'),
  { name: 'mini-library', version: '1.2', files: { '/usr/lib/mini/library': 'library\n' } },
  { name: 'mini-aid', version: '1', files: { '/usr/bin/mini-aid': '#!/bin/sh\n' } },
  miniTool('1'),
  {
    name: 'mini-hook',
    version: '1',
    scripts: { postinst: '#!/bin/sh\nset -e\nif command -v mini-tool; then echo found > /etc/mini-hook; fi\n' },
  },
  ...(['amd64', 'i386'] as const).map((arch) => ({
    name: 'mini-multi',
    version: '1',
    arch,
    fields: { 'Multi-Arch': 'same' },
    files: { [`/usr/lib/${arch}-linux-gnu/mini-multi`]: `${arch}\n`, '/usr/share/doc/mini-multi/README': 'of all architectures\n' },
  })),
  {
    name: 'mini-foreign',
    version: '1',
    arch: 'i386',
    fields: { Depends: 'mini-multi' },
    files: { '/usr/bin/mini-foreign': '#!/bin/sh\n' },
  },
  { name: 'mini-rival', version: '1', fields: { Conflicts: 'mini-library' } },
];

/** The definition of the miniature; its keyring lies beside it. */
export const MINI_DEFINITION = {
  apiVersion: 1,
  ecosystem: 'deb',
  os: 'mini',
  dist: 'mini1',
  title: 'Miniature for tests',
  architectures: ['x86_64', 'aarch64'],
  repositories: [
    {
      id: 'mini',
      archive: MINI_ARCHIVE,
      suite: 'mini',
      components: ['main'],
      keyrings: ['keyring.gpg'],
      expect: { origin: 'ICT', label: 'ICT', codename: 'mini' },
    },
  ],
  essential: { priorities: [], packages: ['dpkg', 'dash', 'coreutils', 'diffutils', 'libc-bin', 'sed', 'tar'] },
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['cp', '/boot/vmlinuz-${kernelVersion}', '${output}'],
    initrdScope: {
      maker: ['/etc/mini-initrd'],
      unread: ['/etc/ld.so.cache', '/usr/share/doc/**', '/var/lib/dpkg/**'],
      readByName: ['/usr/bin/*'],
      uuidsApart: ['/etc/fstab'],
    },
    links: { '/vmlinuz': 'boot/vmlinuz-${kernelVersion}' },
    verityPackages: ['mini-verity'],
    loaders: { 'systemd-boot': { package: 'mini-loader', efi: '/usr/lib/mini/loader.efi', stub: '/usr/lib/mini/stub.efi' } },
  },
  tools: { packages: { ext: ['e2fsprogs'], erofs: ['erofs-utils'], squashfs: ['squashfs-tools'] } },
  defaults: { raw: {}, img: {}, iso: {}, wsl2: {} },
  quirks: {
    preExtract: [...['dpkg', 'libc6', 'libc-bin', 'dash', 'tar', 'coreutils', 'sed', 'diffutils', 'mini-libraries', 'mini-base']],
    usrMerge: ['bin', 'sbin', 'lib', 'lib64'],
  },
};

/** The template of the miniature, with changes laid over its parts. */
export function miniTemplate(
  changes: { readonly image?: object; readonly target?: object; readonly system?: object; readonly disk?: object } = {},
): object {
  return {
    image: { name: 'mini', version: '1.0', ...changes.image },
    target: { os: 'mini', dist: 'mini1', arch: 'x86_64', imageType: 'raw', ...changes.target },
    disk: { ...smallDisk('Mini', '112MiB'), ...changes.disk },
    systemConfig: {
      name: 'mini',
      hostname: 'mini',
      bootloader: { bootType: 'efi', provider: 'systemd-boot' },
      packages: ['mini-service'],
      kernel: { cmdline: 'console=ttyS0', packages: ['mini-kernel'] },
      ...changes.system,
    },
  };
}
