import type { DiskSpec, ImmutabilitySpec, PartitionSpec } from '@ict/plugin-api';
import { findLocal } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { SpecReports } from '../problems/report.js';
import { isPlaceholder } from './user.js';

const KEYS = ['secureBootDBKey', 'secureBootDBCrt', 'secureBootDBCer'] as const;

/**
 * Reads `systemConfig.immutability`, and checks that it can be used as it is set: a partition for the hashes of the root is there, and the keys that
 * sign boot files are given all three or not at all. The disk of a definition may lack the partition while the template is right, so that
 * only a build is refused for it. Switched off, it is undefined.
 *
 * @param disk absent for an image type without a disk
 * @see compatibility with the Go Image Composer Tool, which switches immutability off without a word when the partition is missing
 */
export async function readImmutability(
  merged: MergedTemplate,
  disk: DiskSpec | undefined,
  reports: SpecReports,
): Promise<ImmutabilitySpec | undefined> {
  const { immutability } = merged.template.systemConfig ?? {};
  if (immutability === undefined) return undefined;
  const at = (...rest: Path): Path => ['systemConfig', 'immutability', ...rest];
  const given = KEYS.filter((key) => immutability[key]);
  if (given.length > 0 && given.length < KEYS.length) {
    const missing = KEYS.filter((key) => !given.includes(key));
    const hint = 'Give all three, or none of them.';
    reports.error(
      'ICT_TEMPLATE_IMMUTABILITY',
      at(given[0] as string),
      `boot files are signed with three files, of which the template leaves out ${missing.join(' and ')}`,
      hint,
    );
  }
  const files = new Map<(typeof KEYS)[number], string>();
  for (const key of given) {
    const file = immutability[key] as string;
    if (isPlaceholder(file))
      reports.refuse('ICT_TEMPLATE_PLACEHOLDER', at(key), `${key} is the placeholder ${file}`, 'Give the path of the file.');
    else files.set(key, await findLocal(file, at(key), merged, reports.refuse, 'file'));
  }
  const [key, certificatePem, certificateDer] = KEYS.map((one) => files.get(one));
  if (immutability.enabled !== true) {
    if (given.length > 0) {
      const hint = 'Set systemConfig.immutability.enabled: true, or remove them.';
      reports.warning(
        'ICT_TEMPLATE_NO_EFFECT',
        at(given[0] as string),
        'the keys that sign boot files have no effect without immutability',
        hint,
      );
    }
    return undefined;
  }
  const spec =
    key === undefined || certificatePem === undefined || certificateDer === undefined
      ? {}
      : { signing: { key, certificatePem, certificateDer } };
  if (disk === undefined || disk.partitions.some(isHashPartition)) return spec;
  const hint = 'Add one of type linux with id: roothashmap and mountPoint: none, or set systemConfig.immutability.enabled: false.';
  reports.refuse(
    'ICT_TEMPLATE_IMMUTABILITY',
    at('enabled'),
    'immutability needs a partition for the hashes of the root, and the disk has none',
    hint,
  );
  return spec;
}

/** True for a partition that the Go Image Composer Tool writes the hash tree of the root to. */
function isHashPartition({ id, type, mountPoint }: PartitionSpec): boolean {
  return id === 'roothashmap' || id === 'hash' || (type === 'linux' && mountPoint === undefined);
}
