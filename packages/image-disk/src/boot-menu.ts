import type { DistributionDefinition, ImageInput } from '@ict/plugin-api';
import type { Kernel } from '@ict/image-parts';
import { filesystemOf } from './filesystems.js';
import { isImmutable, verityOptions } from './immutability.js';
import { rootOf } from './partition-roles.js';
import { partuuidOf } from './partuuid.js';

/**
 * Kernel command line: root by PARTUUID and `rw`, or `ro` where its filesystem is never written, then what the template says. What the template says of `root=`, `ro` or `rw` wins.
 * Of an immutable image there is what a verified root needs instead; its hash is among the words of the template by then.
 */
export function kernelOptions(input: Pick<ImageInput, 'spec' | 'seed'>): string {
  const words = input.spec.system.kernel.cmdline.split(/\s+/u).filter(Boolean);
  if (isImmutable(input.spec)) return [...verityOptions(input.spec, input.seed), ...words].join(' ');
  const root = rootOf(input.spec);
  const added: string[] = [];
  if (root !== undefined && !words.some((word) => word.startsWith('root=')))
    added.push(`root=PARTUUID=${partuuidOf(input.spec.disk, input.seed, root)}`);
  if (!words.includes('ro') && !words.includes('rw')) added.push(root !== undefined && filesystemOf(root).readOnly ? 'ro' : 'rw');
  return [...added, ...words].join(' ');
}

/** What a boot menu calls an image's kernel. */
export function menuTitle(distribution: DistributionDefinition, kernel: Kernel, kernels: readonly Kernel[]): string {
  return kernels.length === 1 ? distribution.title : `${distribution.title}, Linux ${kernel.version}`;
}
