import type { Digest, DistributionDefinition, ImageInput, ImageSpec, PartitionSpec, TreeRef } from '@ict/plugin-api';
import type { TreeContent } from '@ict/fixtures';

export const MIB = 1024 * 1024;
export const SEED = `sha256:${'5e'.repeat(32)}` as Digest;

export const distribution: DistributionDefinition = {
  apiVersion: 1,
  ecosystem: 'deb',
  os: 'debian',
  dist: 'debian13',
  title: 'Debian 13',
  architectures: ['x86_64'],
  repositories: [],
  essential: { priorities: [], packages: [] },
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['mkinitramfs', '-o', '${output}', '${kernelVersion}'],
    loaders: { 'systemd-boot': { efi: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi', package: 'systemd-boot-efi' } },
  },
  tools: {
    packages: {
      ext4: ['e2fsprogs'],
      convert: ['qemu-utils'],
      'grub-efi': ['grub-efi-amd64-bin'],
      xz: ['xz-utils'],
    },
  },
  defaults: {},
};

export const esp: PartitionSpec = {
  id: 'boot',
  name: '',
  type: 'esp',
  filesystem: 'fat32',
  startBytes: MIB,
  endBytes: 41 * MIB,
  mountPoint: '/boot/efi',
  mountOptions: 'umask=0077',
  flags: ['esp', 'boot'],
};

export const root: PartitionSpec = {
  id: 'rootfs',
  name: 'root filesystem',
  type: 'linux-root-amd64',
  filesystem: 'ext4',
  label: 'rootfs',
  startBytes: 41 * MIB,
  mountPoint: '/',
  mountOptions: 'defaults',
  flags: [],
};

export interface SpecChanges {
  readonly disk?: Partial<ImageSpec['disk']>;
  readonly target?: Partial<ImageSpec['target']>;
  readonly bootloader?: Partial<ImageSpec['system']['bootloader']>;
  readonly cmdline?: string;
  readonly positions?: ImageSpec['positions'];
}

export function imageSpec(changes: SpecChanges = {}): ImageSpec {
  return {
    file: 'template.yml',
    image: { name: 'minimal', version: '1.0' },
    target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw', ...changes.target },
    disk: {
      name: 'disk',
      sizeBytes: 80 * MIB,
      partitionTable: 'gpt',
      artifacts: [{ type: 'raw' }],
      partitions: [esp, root],
      ...changes.disk,
    },
    system: {
      name: 'minimal',
      packages: [],
      recommends: false,
      kernel: { cmdline: changes.cmdline ?? 'console=ttyS0', packages: [] },
      bootloader: { bootType: 'efi', provider: 'systemd-boot', ...changes.bootloader },
      users: [],
      files: [],
      configurations: [],
    },
    repositories: [],
    layers: [],
    secrets: [],
    caches: { packages: true, images: true },
    positions: changes.positions ?? new Map(),
  };
}

export function imageInput(tree: TreeRef, changes: SpecChanges = {}): ImageInput {
  return { spec: imageSpec(changes), distribution, tree, seed: SEED };
}

/** A tree with everything that a boot needs, as far as file names go. */
export const bootable: Readonly<Record<string, TreeContent>> = {
  'boot/vmlinuz-6.12.9-amd64': 'the older kernel',
  'boot/initrd.img-6.12.9-amd64': 'the older initrd',
  'boot/vmlinuz-6.12.10-amd64': 'the newer kernel',
  'boot/initrd.img-6.12.10-amd64': 'the newer initrd',
  'boot/efi': null,
  'etc/hostname': 'minimal\n',
  'usr/lib/systemd/boot/efi/systemd-bootx64.efi': 'MZ loader',
  'usr/bin/long-link': { link: 'a'.repeat(100) },
};
