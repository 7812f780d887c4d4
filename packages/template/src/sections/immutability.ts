import type { DiskSpec, ImmutabilitySpec, PartitionSpec } from '@ict/plugin-api';
import type { MergedTemplate } from '../documents/merge.js';
import type { SpecReports } from '../problems/report.js';

/**
 * Reads `systemConfig.immutability.enabled`, and checks that the disk has a partition for the hashes of the root. The disk of a definition may lack it while the template is
 * right, so that only a build is refused for it. Switched off, it is undefined. What signs boot files is read by `readSecureBoot`.
 *
 * @param disk absent for an image type without a disk
 * @see compatibility with the Go Image Composer Tool, which switches immutability off without a word when the partition is missing
 */
export function readImmutability(
  merged: MergedTemplate,
  disk: DiskSpec | undefined,
  { refuse }: SpecReports,
): ImmutabilitySpec | undefined {
  const { immutability } = merged.template.systemConfig ?? {};
  if (immutability?.enabled !== true) return undefined;
  if (disk === undefined) return {};
  const [hashes, ...others] = hashPartitions(disk.partitions);
  if (hashes === undefined) {
    const hint = 'Add one of type linux with id: roothashmap and mountPoint: none, or set systemConfig.immutability.enabled: false.';
    const message = 'immutability needs a partition for the hashes of the root, and the disk has none';
    refuse('ICT_TEMPLATE_IMMUTABILITY', ['systemConfig', 'immutability', 'enabled'], message, hint);
    return {};
  }
  for (const other of others) {
    const message = `partitions "${hashes.id}" and "${other.id}" could both be for the hashes of the root`;
    const hint = 'Call the one that is id: roothashmap, and the other something else, or give the other a mountPoint.';
    refuse('ICT_TEMPLATE_IMMUTABILITY', ['disk', 'partitions', disk.partitions.indexOf(other), 'id'], message, hint);
  }
  return { hashPartition: hashes.id };
}

/** Types of partitions that hold the hashes of a root, by name and as GUIDs. */
const HASH_TYPES: readonly string[] = [
  ...['linux-root-amd64-verity', '2c7357ed-ebd2-46d9-aec1-23d437ec2bf5'],
  ...['linux-root-arm64-verity', 'df3300ce-d69f-4c92-978c-9bfb0f38d820'],
];

/**
 * Partitions that the hash tree of the root may go to: those that say so by id or type, and only where none does those that the Go Image Composer
 * Tool takes as well, of type linux and mounted nowhere.
 */
function hashPartitions(partitions: readonly PartitionSpec[]): readonly PartitionSpec[] {
  const named = partitions.filter(
    ({ id, type, typeUuid }) => ['roothashmap', 'hash'].includes(id) || HASH_TYPES.includes(typeUuid ?? type),
  );
  if (named.length > 0) return named;
  return partitions.filter(
    ({ type, typeUuid, mountPoint, filesystem }) =>
      type === 'linux' && typeUuid === undefined && mountPoint === undefined && filesystem !== 'linux-swap',
  );
}
