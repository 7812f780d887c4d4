import { canonicalPartitionType, partitionTypeGuid } from '@ict/image-parts';
import type { ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { mountPointOf } from './mount-points.js';

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
