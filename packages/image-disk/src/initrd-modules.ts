import type { ImageSpec } from '@ict/plugin-api';
import { filesystemOf } from './filesystems.js';
import { isImmutable } from './immutability.js';
import { mountPointOf } from './mount-points.js';

/** Where the partitions are mounted that an initrd mounts before it starts the system. */
const BY_THE_INITRD = ['/', '/usr'];

/** Kernel modules that an initrd has to be told of, as it mounts a filesystem that is not among those which every initrd reads, or opens a verified root. Sorted. */
export function initrdModules(spec: ImageSpec): readonly string[] {
  const modules = spec.disk.partitions.flatMap((partition) =>
    BY_THE_INITRD.includes(mountPointOf(partition) ?? '') ? (filesystemOf(partition).initrdModule ?? []) : [],
  );
  return [...new Set([...modules, ...(isImmutable(spec) ? ['dm_verity'] : [])])].sort();
}
