import { canonicalPartitionType, partitionTypeGuid } from '@ict/image-parts';
import type { ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { mountPointOf } from './mount-points.js';

/** True for an EFI system partition, by name or by type UUID. */
export function isEsp(spec: PartitionSpec): boolean {
  return isOfType(spec, 'esp');
}

/** True for a partition of the type with this name, by name or by type UUID. */
export function isOfType(spec: PartitionSpec, name: string): boolean {
  if (spec.typeUuid !== undefined) return spec.typeUuid.toUpperCase() === partitionTypeGuid(name);
  return canonicalPartitionType(spec.type) === name;
}

/** The EFI system partition, if the disk has one. */
export function espOf(spec: ImageSpec): PartitionSpec | undefined {
  return spec.disk.partitions.find(isEsp);
}

/** True for a partition of a GPT that boot code for a BIOS goes to, by name or by type UUID. */
export function isBiosPartition(spec: PartitionSpec): boolean {
  return isOfType(spec, 'bios');
}

/** The partition of a GPT that boot code for a BIOS goes to, if the disk has one. */
export function biosPartitionOf(spec: ImageSpec): PartitionSpec | undefined {
  return spec.disk.partitions.find(isBiosPartition);
}

/** True for a disk that is started by legacy firmware (BIOS), and not by UEFI. */
export function startsByBios({ system }: Pick<ImageSpec, 'system'>): boolean {
  return system.bootloader.bootType === 'legacy';
}

/** The partition mounted at `/`, if the disk has one. */
export function rootOf(spec: ImageSpec): PartitionSpec | undefined {
  return spec.disk.partitions.find((partition) => mountPointOf(partition) === '/');
}
