import type { ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { isSwap } from './filesystems.js';

/** Mount point without a trailing slash and doubled slashes; `/` for the root. Undefined when the partition is not mounted. */
export function mountPointOf(spec: PartitionSpec): string | undefined {
  if (spec.mountPoint === undefined || spec.mountPoint === '' || spec.mountPoint === 'none' || isSwap(spec)) return undefined;
  return `/${spec.mountPoint.split('/').filter(Boolean).join('/')}`;
}

/** Mounted partitions, parents before children, then by name. */
export function mountedPartitions(partitions: readonly PartitionSpec[]): { readonly spec: PartitionSpec; readonly mountPoint: string }[] {
  return partitions
    .flatMap((spec) => {
      const mountPoint = mountPointOf(spec);
      return mountPoint === undefined ? [] : [{ spec, mountPoint }];
    })
    .sort((a, b) => depth(a.mountPoint) - depth(b.mountPoint) || (a.mountPoint < b.mountPoint ? -1 : 1));
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

function depth(mountPoint: string): number {
  return mountPoint.split('/').filter(Boolean).length;
}
