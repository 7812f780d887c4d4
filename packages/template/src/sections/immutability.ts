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
  const spec = { enabled: true } as const;
  if (disk === undefined || disk.partitions.some(isHashPartition)) return spec;
  const hint = 'Add one of type linux with id: roothashmap and mountPoint: none, or set systemConfig.immutability.enabled: false.';
  refuse(
    'ICT_TEMPLATE_IMMUTABILITY',
    ['systemConfig', 'immutability', 'enabled'],
    'immutability needs a partition for the hashes of the root, and the disk has none',
    hint,
  );
  return spec;
}

/** True for a partition that the Go Image Composer Tool writes the hash tree of the root to. */
function isHashPartition({ id, type, mountPoint }: PartitionSpec): boolean {
  return id === 'roothashmap' || id === 'hash' || (type === 'linux' && mountPoint === undefined);
}
