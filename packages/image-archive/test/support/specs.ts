import { formatDistribution, formatSpec, SEED, type FormatSpecChanges } from '@ict/fixtures';
import type { ImageInput, ImageSpec, TreeRef } from '@ict/plugin-api';

export { SEED };

export const distribution = formatDistribution({ tools: { packages: { xz: ['xz-utils'] } } });

export type SpecChanges = Pick<FormatSpecChanges, 'disk' | 'kernel' | 'positions'> & { readonly imageType?: string };

export function imageSpec({ imageType = 'img', ...changes }: SpecChanges = {}): ImageSpec {
  return formatSpec({ ...changes, target: { imageType } });
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
