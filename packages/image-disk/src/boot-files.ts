import type { DistributionDefinition, ImageInput, ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { partitionIdentity, type Kernel } from '@ict/image-parts';
import { canonicalPartitionType, partitionTypeGuid } from './partition-types.js';
import { mountPointOf } from './fstab.js';

/** True for an EFI system partition, by name or by type UUID. */
export function isEsp(spec: PartitionSpec): boolean {
  if (spec.typeUuid !== undefined) return spec.typeUuid.toUpperCase() === partitionTypeGuid('esp');
  return canonicalPartitionType(spec.type) === 'esp';
}

/** The EFI system partition, if the disk has one. */
export function espOf(spec: ImageSpec): PartitionSpec | undefined {
  return spec.disk.partitions.find(isEsp);
}

/** The partition mounted at `/`, if the disk has one. */
export function rootOf(spec: ImageSpec): PartitionSpec | undefined {
  return spec.disk.partitions.find((partition) => mountPointOf(partition) === '/');
}

/**
 * Kernel command line: root by PARTUUID and `rw`, then what the template says. What the template says of `root=`, `ro` or `rw` wins.
 */
export function kernelOptions(input: Pick<ImageInput, 'spec' | 'seed'>): string {
  const words = input.spec.system.kernel.cmdline.split(/\s+/u).filter(Boolean);
  const root = rootOf(input.spec);
  const added: string[] = [];
  if (root !== undefined && !words.some((word) => word.startsWith('root=')))
    added.push(`root=PARTUUID=${partitionIdentity(input.seed, root.id).partitionUuid}`);
  if (!words.includes('ro') && !words.includes('rw')) added.push('rw');
  return [...added, ...words].join(' ');
}

/** What a boot menu calls an image's kernel. */
export function menuTitle(distribution: DistributionDefinition, kernel: Kernel, kernels: readonly Kernel[]): string {
  return kernels.length === 1 ? distribution.title : `${distribution.title}, Linux ${kernel.version}`;
}

/** Deepest mounted partition that a path of the tree lies on, with the path as seen from that partition's own root. */
export function locate(spec: ImageSpec, path: string): { readonly partition: PartitionSpec | undefined; readonly path: string } {
  let best: { readonly partition: PartitionSpec; readonly mountPoint: string } | undefined;
  for (const partition of spec.disk.partitions) {
    const mountPoint = mountPointOf(partition);
    if (mountPoint === undefined || !isBelow(path, mountPoint)) continue;
    if (best === undefined || mountPoint.length > best.mountPoint.length) best = { partition, mountPoint };
  }
  if (best === undefined) return { partition: undefined, path };
  return { partition: best.partition, path: best.mountPoint === '/' ? path : path.slice(best.mountPoint.length) };
}

/** True when `path` is `directory` or lies below it. */
export function isBelow(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}
