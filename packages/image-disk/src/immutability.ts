import type { Digest, DistributionDefinition, ImageInput, ImageSpec, PartitionSpec, RequiredPackage } from '@ict/plugin-api';
import { partitionIdentity, positionOf } from '@ict/image-parts';
import { mountPointOf } from './mount-points.js';
import { rootOf } from './partition-roles.js';
import { WRITABLE_PLACES } from './writable-places.js';

/** Place of the wish in a template. */
export const IMMUTABILITY_KEY = 'systemConfig.immutability.enabled';

/** What the kernel calls the root that is verified: systemd's generator knows no other name. */
export const VERIFIED_ROOT = '/dev/mapper/root';

/** True when every block of the root is verified as it is read. */
export function isImmutable({ system }: Pick<ImageSpec, 'system'>): boolean {
  return system.immutability !== undefined;
}

/**
 * The same image, but that the partition for the hashes has no filesystem: templates of the Go Image Composer Tool say ext4 there, and nobody
 * makes one.
 */
export function withHashPartition(spec: ImageSpec): ImageSpec {
  const id = spec.system.immutability?.hashPartition;
  if (id === undefined) return spec;
  const partitions = spec.disk.partitions.map((partition): PartitionSpec => {
    // One that is mounted is refused as such.
    if (partition.id !== id || mountPointOf(partition) !== undefined) return partition;
    return { ...partition, filesystem: 'none', label: '' };
  });
  return { ...spec, disk: { ...spec.disk, partitions } };
}

/** The same image with the root hash on its kernel command line. */
export function withRootHash<Input extends Pick<ImageInput, 'spec'>>(input: Input, rootHash: string): Input {
  const { spec } = input;
  const { kernel } = spec.system;
  const cmdline = `${kernel.cmdline} roothash=${rootHash}`.trimStart();
  return { ...input, spec: { ...spec, system: { ...spec.system, kernel: { ...kernel, cmdline } } } };
}

/** The partition for the hashes, if the disk has it. */
export function hashPartitionOf({ disk, system }: ImageSpec): PartitionSpec | undefined {
  const id = system.immutability?.hashPartition;
  return id === undefined ? undefined : disk.partitions.find((partition) => partition.id === id);
}

/** Words by which a kernel and its initrd find the parts of a verified root; the root hash is not among them, as it is known last. */
export function verityOptions(spec: ImageSpec, seed: Digest): readonly string[] {
  const source = (partition: PartitionSpec | undefined): string =>
    `PARTUUID=${partition === undefined ? '' : partitionIdentity(seed, partition.id).partitionUuid}`;
  return [
    ...[`root=${VERIFIED_ROOT}`, 'ro', 'systemd.verity=1'],
    ...[`systemd.verity_root_data=${source(rootOf(spec))}`, `systemd.verity_root_hash=${source(hashPartitionOf(spec))}`],
    `init=${WRITABLE_PLACES}`,
  ];
}

/** Packages by which an initrd opens a verified root, with the line that asks for it. */
export function verityPackages(spec: ImageSpec, { boot }: DistributionDefinition): readonly RequiredPackage[] {
  if (!isImmutable(spec)) return [];
  const position = positionOf(spec, IMMUTABILITY_KEY);
  return (boot.verityPackages ?? []).map((name) => ({ name, reason: 'immutability', ...(position === undefined ? {} : { position }) }));
}
