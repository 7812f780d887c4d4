import { formatDistribution, formatSpec, SEED, type FormatSpecChanges } from '@ict/fixtures';
import type { Architecture, ImageInput, ImageSpec, TreeRef } from '@ict/plugin-api';

export { SEED };

export const distribution = formatDistribution({
  boot: {
    kernel: '/boot/vmlinuz-*',
    initrd: '/boot/initrd.img-${kernelVersion}',
    makeInitrd: ['false'],
    loaders: { 'systemd-boot': { efi: '/usr/lib/systemd/boot/efi/systemd-boot${efiArch}.efi', package: 'systemd-boot-efi' } },
  },
  tools: { packages: { xz: ['xz-utils'] } },
});

export type SpecChanges = Pick<FormatSpecChanges, 'disk' | 'kernel' | 'bootloader' | 'secureBoot' | 'positions'> & {
  readonly imageType?: string;
  readonly arch?: Architecture;
};

export function imageSpec({ imageType = 'img', arch = 'x86_64', ...changes }: SpecChanges = {}): ImageSpec {
  return formatSpec({ ...changes, target: { imageType, arch } });
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

/** The same with the loader that starts it from a disc. */
export const live = { ...bootable, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi': 'MZ, a loader' };
