import type { DiskSpec, EncryptionSpec } from '@ict/plugin-api';
import { findLocal } from './additional-file.js';
import { nearest } from '../problems/nearest.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import type { SpecReports } from '../problems/report.js';

/**
 * Reads `systemConfig.fde`. Switched on, it must name partitions that exist; switched off, what else it says has no effect, which is
 * worth a warning, and it is undefined.
 *
 * @param disk absent for an image type without a disk
 */
export async function readEncryption(
  merged: MergedTemplate,
  disk: DiskSpec | undefined,
  reports: SpecReports,
): Promise<EncryptionSpec | undefined> {
  const { fde } = merged.template.systemConfig ?? {};
  if (fde === undefined) return undefined;
  const at = (...rest: Path): Path => ['systemConfig', 'fde', ...rest];
  const { enabled = false, passphraseFile, partitions = [], unlock } = fde;
  const file = passphraseFile || undefined;
  if (!enabled) {
    const idle = [...(file ? ['passphraseFile'] : []), ...(partitions.length > 0 ? ['partitions'] : []), ...(unlock ? ['unlock'] : [])];
    for (const key of idle) {
      const hint = 'Set systemConfig.fde.enabled: true, or remove it.';
      reports.warning('ICT_TEMPLATE_NO_EFFECT', at(key), `systemConfig.fde.${key} has no effect: encryption is switched off`, hint);
    }
    return undefined;
  }
  checkPartitions(partitions, disk, at('partitions'), reports);
  return {
    ...(file === undefined ? {} : { passphraseFile: await findLocal(file, at('passphraseFile'), merged, reports.refuse, 'file') }),
    partitions,
    ...(unlock === undefined ? {} : { unlock }),
  };
}

/** Reports ids that no partition of the disk has. */
function checkPartitions(ids: readonly string[], disk: DiskSpec | undefined, at: Path, { error }: SpecReports): void {
  if (disk === undefined) return;
  const known = disk.partitions.map(({ id }) => id);
  for (const [index, id] of ids.entries()) {
    if (known.includes(id)) continue;
    const near = nearest(id, known);
    const hint = near === undefined ? `The disk has: ${known.join(', ') || 'none'}.` : `Did you mean "${near}"?`;
    error('ICT_TEMPLATE_DISK', [...at, index], `no partition has the id ${JSON.stringify(id)}`, hint);
  }
}
