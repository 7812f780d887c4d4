import type { RpmSet } from '@ict/fixtures';

/** Names, relations and files that a shipped definition counts on, as far as vendors publish them; the packages are empty. */
export interface LookAlike {
  /** By the repository's id in the definition; of one that comes later, all packages are newer. */
  readonly repositories: Readonly<Record<string, LookAlikeRepository>>;
  /** How its metadata is written, in options of createrepo_c. */
  readonly metadata: readonly string[];
}

export interface LookAlikeRepository {
  /** Where its vendor has it. */
  readonly archive: string;
  /** What its vendor's list of mirrors is asked; absent: there is none. */
  readonly metalink?: string;
  readonly packages: RpmSet;
}

/** Packages of Red Hat's make, without those of the release; where it has two repositories, those of the first. */
const RED_HAT_BASE: RpmSet = {
  setup: ['Provides: config(setup) = 1.0-1', 'Requires: config(setup) = 1.0-1', 'Requires: system-release', '/etc/passwd', '/etc/group'],
  filesystem: ['Requires(pre): setup', 'Provides: filesystem(unmerged-sbin-symlinks) = 1', '/usr/share/filesystem/paths'],
  basesystem: ['Requires(pre): setup, filesystem'],
  bash: ['Provides: /bin/sh, /bin/bash', 'Requires: filesystem >= 1, libtinfo.so.6()(64bit)', '/usr/bin/bash', '/usr/bin/sh'],
  'ncurses-libs': ['Provides: libtinfo.so.6()(64bit)', 'Requires: ncurses-base = 1.0'],
  'ncurses-base': [],
  glibc: [
    'Provides: libc.so.6()(64bit), rtld(GNU_HASH)',
    'Requires: glibc-common = 1.0-1, glibc-langpack = 1.0-1, basesystem, filesystem',
    'Suggests: glibc-minimal-langpack = 1.0-1',
    'Recommends: (glibc-gconv-extra = 1.0-1 if redhat-rpm-config)',
  ],
  'glibc-common': ['Requires: glibc = 1.0-1', 'Recommends: (glibc-langpack-en = 1.0-1 if langpacks-core-en)'],
  'glibc-minimal-langpack': ['Provides: glibc-langpack = 1.0-1', 'Requires: glibc = 1.0-1, glibc-common = 1.0-1'],
  'glibc-all-langpacks': ['Provides: glibc-langpack = 1.0-1', 'Requires: glibc = 1.0-1'],
  'glibc-langpack-en': ['Provides: glibc-langpack = 1.0-1', 'Requires: glibc = 1.0-1'],
  coreutils: ['Requires: coreutils-common = 1.0-1, libc.so.6()(64bit)', '/usr/bin/env', '/usr/bin/cat'],
  'coreutils-common': [],
  'coreutils-single': ['Provides: coreutils = 1.0-1', 'Conflicts: coreutils < 1.0-1, coreutils-common', '/usr/bin/env'],
  rpm: ['Requires: rpm-libs = 1.0-1, coreutils, /usr/bin/bash', 'Conflicts: ostree-devel', '/usr/bin/rpm'],
  'rpm-libs': ['Requires: (rpm-sequoia >= 1.0 if rpm-sequoia), libsqlite3.so.0()(64bit)'],
  'sqlite-libs': ['Provides: libsqlite3.so.0()(64bit)'],
  'systemd-libs': ['Provides: libsystemd.so.0()(64bit)'],
  systemd: [
    'Provides: /bin/systemctl, /sbin/shutdown, syslog, systemd-sysv = 206, systemd-tmpfiles',
    'Requires: systemd-libs = 1.0-1, systemd-pam = 1.0-1, dbus >= 1, (util-linux-core or util-linux)',
    'Requires(post): coreutils, grep',
    'Recommends: diffutils, (systemd-networkd if systemd-resolved)',
    'Conflicts: initscripts < 9.56.1',
    '/usr/bin/systemctl',
  ],
  'systemd-pam': [],
  dbus: ['Requires: dbus-broker >= 1'],
  'dbus-broker': [],
  'systemd-udev': [
    'Provides: udev = 1.0',
    'Requires: systemd = 1.0-1, kmod >= 1, (grubby > 8.40-72 if grubby), (sdubby > 1.0-3 if sdubby)',
    '/usr/bin/kernel-install',
    '/usr/bin/udevadm',
  ],
  kmod: ['/usr/sbin/depmod'],
  dracut: [
    'Requires: bash >= 1, coreutils, cpio, filesystem >= 1, findutils, grep, kmod, sed, xz, gzip, util-linux >= 1, systemd-udev >= 1, procps-ng',
    'Recommends: dracut-config-rescue, (tpm2-tools if tpm2-tss)',
    '/usr/bin/dracut',
  ],
  'dracut-config-rescue': [],
  ...Object.fromEntries(['cpio', 'findutils', 'grep', 'sed', 'gzip', 'procps-ng', 'diffutils'].map((name) => [name, []])),
  xz: ['/usr/bin/xz'],
  bzip2: ['/usr/bin/bzip2'],
  'util-linux-core': [],
  'util-linux': ['Requires: util-linux-core = 1.0-1', '/usr/bin/login'],
  iproute: ['/usr/sbin/ip'],
  kernel: ['Requires: kernel-core-uname-r = 1.0, kernel-modules-uname-r = 1.0'],
  'kernel-core': [
    'Provides: kernel-core-uname-r = 1.0, installonlypkg(kernel)',
    'Requires(pre): /usr/bin/kernel-install, dracut >= 1, systemd >= 1',
    'Requires: kernel-modules-core-uname-r = 1.0',
    'Recommends: linux-firmware',
    '/usr/lib/modules/1.0/vmlinuz',
  ],
  'kernel-modules-core': ['Provides: kernel-modules-core-uname-r = 1.0, installonlypkg(kernel-module)'],
  'kernel-modules': [
    'Provides: kernel-modules-uname-r = 1.0, installonlypkg(kernel-module)',
    'Requires: kernel-modules-core-uname-r = 1.0',
  ],
  'linux-firmware': [],
  e2fsprogs: ['/usr/sbin/mke2fs'],
  'erofs-utils': ['/usr/bin/mkfs.erofs'],
  'squashfs-tools': ['/usr/bin/mksquashfs'],
  'grub2-efi-x64-modules': ['Requires: grub2-common = 1.0'],
  'grub2-pc-modules': ['Requires: grub2-common = 1.0'],
  'grub2-common': [],
  'grub2-tools': ['Requires: grub2-common = 1.0, (dracut if kernel-core)', '/usr/bin/grub2-mkimage'],
  'openssh-server': [],
  sudo: [],
};

/** As above, those of the second. */
const RED_HAT_MORE: RpmSet = {
  'systemd-boot-unsigned': ['Provides: systemd-boot = 1.0', '/usr/lib/systemd/boot/efi/systemd-bootx64.efi'],
  'qemu-img': ['/usr/bin/qemu-img'],
};

/** Packages of Azure Linux and of what is made of it, without those of the release. */
const AZURE_BASE: RpmSet = {
  // Users and groups are in it, and links for which others have packages of their own.
  filesystem: ['/etc/passwd', '/etc/group', '/etc/profile'],
  bash: ['Provides: /bin/sh, /bin/bash', 'Requires: glibc, filesystem', '/usr/bin/bash', '/usr/bin/sh'],
  coreutils: ['Provides: sh-utils', 'Requires: glibc', '/usr/bin/env'],
  glibc: ['Requires: filesystem', 'Provides: ldconfig'],
  ...Object.fromEntries(
    ['ca-certificates-base', 'curl', 'findutils', 'grep', 'gzip', 'openssl', 'rpm-libs', 'sed', 'sqlite-libs', 'zlib'].map((name) => [
      name,
      [],
    ]),
  ),
  xz: ['/usr/bin/xz'],
  bzip2: ['/usr/bin/bzip2'],
  rpm: ['Requires: bash, rpm-libs = 1.0-1, coreutils, sqlite-libs', '/usr/bin/rpm'],
  'tdnf-plugin-repogpgcheck': ['Requires: tdnf'],
  tdnf: ['Requires: rpm-libs'],
  systemd: ['Requires: coreutils, glibc, systemd-rpm-macros = 1.0-1', '/usr/bin/systemctl'],
  'systemd-rpm-macros': [],
  'systemd-udev': ['Provides: udev = 1.0', 'Requires: systemd = 1.0-1, kmod', '/usr/bin/kernel-install'],
  kmod: [],
  cpio: [],
  'util-linux': [],
  dracut: ['Requires: bash >= 1, coreutils, cpio, kmod, findutils, grep, sed, xz, systemd, systemd-udev, util-linux', '/usr/bin/dracut'],
  'dracut-virtio': ['Requires: dracut = 1.0-1', '/etc/dracut.conf.d/00-virtio.conf'],
  iproute: ['/usr/sbin/ip'],
  kernel: ['Requires: filesystem, kmod', 'Requires(post): coreutils', '/boot/vmlinuz-1.0'],
  'systemd-boot': ['/usr/lib/systemd/boot/efi/systemd-bootx64.efi'],
  e2fsprogs: ['/usr/sbin/mke2fs'],
  'squashfs-tools': ['/usr/bin/mksquashfs'],
  'qemu-img': ['/usr/bin/qemu-img'],
  'grub2-efi': ['Requires: grub2 = 1.0-1'],
  'grub2-pc': ['Requires: grub2 = 1.0-1'],
  grub2: ['/usr/bin/grub2-mkimage'],
};

const AZURE_CORE = [
  'Requires: bash, bzip2, ca-certificates-base, curl, filesystem, findutils, grep, gzip, openssl, rpm, rpm-libs, sed, sqlite-libs',
  'Requires: tdnf, tdnf-plugin-repogpgcheck, xz, zlib',
];

/** By `dist` of the shipped definition. */
export const LOOK_ALIKES: Readonly<Record<string, LookAlike>> = {
  azl3: {
    metadata: [],
    repositories: {
      'azl3-base': {
        archive: 'https://packages.microsoft.com/azurelinux/3.0/prod/base/x86_64',
        packages: {
          ...AZURE_BASE,
          'azurelinux-release': ['Provides: system-release, azurelinux-release-3.0'],
          'azurelinux-repos': ['Requires: azurelinux-repos-shared = 1.0-1', 'Requires(post): gpgme'],
          'azurelinux-repos-shared': [],
          gpgme: [],
          'core-packages-container': [...AZURE_CORE, 'Requires: azurelinux-release, azurelinux-repos'],
        },
      },
    },
  },
  emt3: {
    metadata: [],
    repositories: {
      'emt3-base': {
        archive: 'https://files-rs.edgeorchestration.intel.com/files-edge-orch/microvisor/rpms/3.0/base',
        packages: {
          ...AZURE_BASE,
          'azurelinux-release': ['Provides: system-release'],
          'edge-repos': [],
          'core-packages-container': [...AZURE_CORE, 'Requires: azurelinux-release, edge-repos'],
        },
      },
    },
  },
  el10: {
    metadata: ['--zck'],
    repositories: {
      'el10-baseos': {
        archive: 'https://mirror.stream.centos.org/10-stream/BaseOS/x86_64/os',
        metalink: 'repo=centos-baseos-10-stream&arch=x86_64&protocol=https,http',
        packages: {
          ...RED_HAT_BASE,
          'centos-stream-release': [
            'Provides: system-release = 10, redhat-release, base-module(platform:el10)',
            'Requires: centos-stream-repos',
          ],
          'centos-stream-repos': ['Requires: centos-gpg-keys = 1.0'],
          'centos-gpg-keys': [],
        },
      },
      'el10-appstream': {
        archive: 'https://mirror.stream.centos.org/10-stream/AppStream/x86_64/os',
        metalink: 'repo=centos-appstream-10-stream&arch=x86_64&protocol=https,http',
        packages: RED_HAT_MORE,
      },
    },
  },
  fedora43: {
    metadata: ['--zck'],
    repositories: {
      fedora43: {
        archive: 'https://dl.fedoraproject.org/pub/fedora/linux/releases/43/Everything/x86_64/os',
        metalink: 'repo=fedora-43&arch=x86_64',
        packages: {
          ...RED_HAT_BASE,
          ...RED_HAT_MORE,
          // All are a system-release; which one is meant, nothing but the definition says.
          ...Object.fromEntries(
            ['basic', 'cloud', 'workstation'].map((edition) => [
              `fedora-release-identity-${edition}`,
              [
                'Provides: fedora-release-identity = 1.0-1',
                `Conflicts: fedora-release-identity`,
                'Requires: fedora-release-common = 1.0-1',
              ],
            ]),
          ),
          'fedora-release': ['Provides: fedora-release-variant = 1.0-1, system-release', 'Requires: fedora-release-common = 1.0-1'],
          'fedora-release-common': [
            'Provides: base-module(platform:f43)',
            'Requires: fedora-release-variant = 1.0-1, fedora-release-identity = 1.0-1, fedora-repos(43)',
            'Suggests: fedora-release',
          ],
          'fedora-repos': ['Provides: fedora-repos(43)', 'Requires: fedora-gpg-keys >= 1.0'],
          'fedora-gpg-keys': [],
        },
      },
      'fedora43-updates': {
        archive: 'https://dl.fedoraproject.org/pub/fedora/linux/updates/43/Everything/x86_64',
        metalink: 'repo=updates-released-f43&arch=x86_64',
        packages: { iproute: ['/usr/sbin/ip'] },
      },
    },
  },
  leap16: {
    // As its build service writes it.
    metadata: ['--checksum=sha512'],
    repositories: {
      'leap16-oss': {
        archive: 'https://download.opensuse.org/distribution/leap/16.0/repo/oss/x86_64',
        packages: {
          filesystem: ['Provides: aaa_filesystem', 'Requires: compat-usrmerge-tools', '/usr/lib/filesystem'],
          'compat-usrmerge-tools': [],
          'Leap-release': ['Provides: distribution-release, product(Leap) = 16.0, system-release', 'Requires: openSUSE-release-appliance'],
          'openSUSE-release-appliance': [],
          bash: ['Provides: /bin/sh, /bin/bash', 'Requires: bash-sh = 1.0', '/usr/bin/bash'],
          'bash-sh': ['Conflicts: busybox-sh', '/usr/bin/sh'],
          'busybox-sh': ['Provides: bash-sh = 1.0', 'Conflicts: bash-sh'],
          glibc: ['Requires(pre): filesystem', 'Provides: libc.so.6()(64bit)', 'Suggests: glibc-locale-base'],
          coreutils: ['Requires: libc.so.6()(64bit), (coreutils-systemd if systemd)', '/usr/bin/env'],
          'coreutils-systemd': [],
          rpm: ['Requires: glibc, permctl, rpm-config-SUSE', 'Requires(post): coreutils, /usr/bin/sed', '/usr/bin/rpm'],
          'rpm-config-SUSE': ['Supplements: rpm'],
          permissions: ['Provides: permctl', 'Requires: permissions-config'],
          'permissions-config': [],
          sed: ['/usr/bin/sed'],
          systemd: [
            'Requires: kbd, kmod >= 1, netcfg, systemd-default-settings, util-linux >= 1, group(lock)',
            'Requires(post): coreutils, findutils, sed',
            'Recommends: libnss_myhostname2',
            'Conflicts: sysvinit',
            '/usr/bin/systemctl',
          ],
          'system-group-hardware': ['Provides: group(lock)', 'Requires(pre): (sysuser-shadow or sysuser-tools)'],
          'sysuser-shadow': [],
          ...Object.fromEntries(['kbd', 'netcfg', 'systemd-default-settings', 'findutils', 'cpio'].map((name) => [name, []])),
          kmod: [],
          'util-linux': [],
          udev: [
            'Requires: systemd = 1.0-1, system-group-hardware',
            'Requires(post): coreutils',
            '/usr/bin/udevadm',
            '/usr/bin/kernel-install',
          ],
          dracut: ['Requires: bash, coreutils, cpio, kmod, udev, util-linux, xz, suse-module-tools', '/usr/bin/dracut'],
          'suse-module-tools': [
            'Requires: kmod',
            'Requires(post): coreutils, (kernel-default-base or suse-kernel-rpm-scriptlets)',
            'Supplements: kernel-default',
          ],
          'suse-kernel-rpm-scriptlets': [],
          iproute2: ['/usr/sbin/ip'],
          'kernel-default': [
            'Provides: kernel = 1.0, multiversion(kernel), kernel-uname-r = 1.0',
            'Requires(post): suse-kernel-rpm-scriptlets, dracut',
            'Requires: (kernel-firmware-all if kernel-firmware)',
            'Recommends: (ucode-intel if kernel(intel))',
            '/usr/lib/modules/1.0/vmlinuz',
          ],
          'systemd-boot': ['Requires: systemd = 1.0', '/usr/lib/systemd/boot/efi/systemd-bootx64.efi'],
          e2fsprogs: ['/usr/sbin/mke2fs'],
          squashfs: ['/usr/bin/mksquashfs'],
          'qemu-img': ['/usr/bin/qemu-img'],
          xz: ['/usr/bin/xz'],
          bzip2: ['/usr/bin/bzip2'],
          'grub2-x86_64-efi': ['Requires: grub2-common'],
          'grub2-i386-pc': ['Requires: grub2-common'],
          'grub2-common': [],
          grub2: ['Requires: grub2-common, (grub2-x86_64-efi or grub2-i386-pc)', '/usr/bin/grub2-mkimage'],
        },
      },
    },
  },
};
