import type { Digest, DistributionDefinition, ImageInput, ImageSpec, TreeRef } from '@ict/plugin-api';

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
  boot: { kernel: '/boot/vmlinuz-*', initrd: '/boot/initrd.img-${kernelVersion}', makeInitrd: ['false'], loaders: {} },
  tools: { packages: { xz: ['xz-utils'] } },
  defaults: {},
};

export interface SpecChanges {
  readonly disk?: Partial<ImageSpec['disk']>;
  readonly kernel?: Partial<ImageSpec['system']['kernel']>;
  readonly imageType?: string;
  readonly positions?: ImageSpec['positions'];
}

export function imageSpec({ disk, kernel, imageType = 'img', positions = new Map() }: SpecChanges = {}): ImageSpec {
  return {
    file: 'template.yml',
    image: { name: 'minimal', version: '1.0' },
    target: { os: 'debian', dist: 'debian13', arch: 'x86_64', imageType },
    disk: { name: 'disk', sizeBytes: 0, partitionTable: 'gpt', artifacts: [], partitions: [], ...disk },
    system: {
      name: 'minimal',
      packages: [],
      recommends: false,
      kernel: { cmdline: 'console=ttyS0', packages: [], ...kernel },
      bootloader: { bootType: 'efi', provider: 'systemd-boot' },
      users: [],
      files: [],
      configurations: [],
    },
    repositories: [],
    layers: [],
    secrets: [],
    caches: { packages: true, images: true },
    positions,
  };
}

export function imageInput(tree: TreeRef, changes: SpecChanges = {}): ImageInput {
  return { spec: imageSpec(changes), distribution, tree, seed: SEED };
}

/** A tree with everything that a start from an initrd needs, as far as file names go. */
export const bootable = {
  'boot/vmlinuz-6.12.9-amd64': 'the older kernel',
  'boot/vmlinuz-6.12.10-amd64': 'the newer kernel',
  'etc/hostname': 'minimal\n',
  'usr/lib/systemd/systemd': 'an init',
  sbin: { link: 'usr/sbin' },
  'usr/sbin/init': { link: '../lib/systemd/systemd' },
};
