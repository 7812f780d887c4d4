import { formatDistribution, formatSpec, SEED, type FormatSpecChanges, type TreeContent } from '@ict/fixtures';
import type { ImageInput, ImageSpec, PartitionSpec, TreeRef } from '@ict/plugin-api';

export { SEED };

export const MIB = 1024 * 1024;

export const distribution = formatDistribution({
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['mkinitramfs', '-o', '${output}', '${kernelVersion}'],
    loaders: {
      'systemd-boot': {
        efi: '/usr/lib/systemd/boot/efi/systemd-bootx64.efi',
        stub: '/usr/lib/systemd/boot/efi/linux${efiArch}.efi.stub',
        package: 'systemd-boot-efi',
      },
    },
  },
  tools: {
    packages: {
      ext: ['e2fsprogs'],
      erofs: ['erofs-utils'],
      squashfs: ['squashfs-tools'],
      convert: ['qemu-utils'],
      'grub-efi': ['grub-efi-amd64-bin'],
      'grub-bios': ['grub-pc-bin'],
      xz: ['xz-utils'],
    },
  },
});

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

/** In a GPT, room for what a BIOS starts. */
export const biosBoot: PartitionSpec = {
  id: 'bios',
  name: '',
  type: 'bios',
  filesystem: 'none',
  startBytes: MIB,
  endBytes: 2 * MIB,
  flags: ['bios_grub'],
};

/** A disk that a BIOS starts, with either table. */
export const legacy: Readonly<Record<'mbr' | 'gpt', SpecChanges>> = {
  mbr: {
    bootloader: { bootType: 'legacy', provider: 'grub' },
    disk: { partitionTable: 'mbr', partitions: [{ ...root, type: 'linux', startBytes: MIB }] },
  },
  gpt: { bootloader: { bootType: 'legacy', provider: 'grub' }, disk: { partitions: [biosBoot, { ...root, startBytes: 2 * MIB }] } },
};

export type SpecChanges = Omit<FormatSpecChanges, 'kernel'> & { readonly cmdline?: string; readonly unifiedImage?: true };

export function imageSpec({ cmdline, unifiedImage, disk, ...changes }: SpecChanges = {}): ImageSpec {
  return formatSpec({
    ...changes,
    disk: { sizeBytes: 80 * MIB, artifacts: [{ type: 'raw' }], partitions: [esp, root], ...disk },
    kernel: { ...(cmdline === undefined ? {} : { cmdline }), ...(unifiedImage === undefined ? {} : { unifiedImage }) },
  });
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
