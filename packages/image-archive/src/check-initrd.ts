import type { DistributionDefinition, ImageSpec, ProblemReport } from '@ict/plugin-api';
import { checkArtifacts, problemsOf } from './check-artifacts.js';
import { checkKernel } from './check-kernel.js';

/** Everything in a template that an initrd cannot have. Pure; nothing is read. */
export function checkInitrd(spec: ImageSpec, distribution: DistributionDefinition): readonly ProblemReport[] {
  return problemsOf(spec, (report) => {
    checkArtifacts(spec, distribution, { type: 'cpio', what: 'an initrd' }, report);
    if (spec.disk.partitions.length > 0)
      report('disk.partitions', 'an initrd has no partitions: its root is in memory', 'Remove them, or use imageType: raw.');
    checkKernel(spec, report);
  });
}
