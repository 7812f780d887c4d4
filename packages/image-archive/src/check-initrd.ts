import type { DistributionDefinition, ImageSpec, ProblemReport } from '@ict/plugin-api';
import { checkArtifacts, problemsOf } from './check-artifacts.js';

/** Everything in a template that an initrd cannot have. Pure; nothing is read. */
export function checkInitrd(spec: ImageSpec, distribution: DistributionDefinition): readonly ProblemReport[] {
  return problemsOf(spec, (report) => {
    checkArtifacts(spec, distribution, { type: 'cpio', what: 'an initrd' }, report);
    if (spec.disk.partitions.length > 0)
      report('disk.partitions', 'an initrd has no partitions: its root is in memory', 'Remove them, or use imageType: raw.');
    const { kernel } = spec.system;
    if (/\p{Cc}/u.test(kernel.cmdline)) {
      const message = 'the kernel command line has a line break or another control character';
      report('systemConfig.kernel.cmdline', message, 'Write it on one line.');
    }
    if (kernel.extraModules !== undefined) {
      const hint = 'Remove the key; name modules that are to be loaded in a file in /etc/modules-load.d.';
      report('systemConfig.kernel.enableExtraModules', 'an initrd that is the whole system holds all modules of its kernel', hint);
    }
  });
}
