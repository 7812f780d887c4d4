import { UNSUPPORTED_YET, type ImageSpec } from '@ict/plugin-api';
import type { Report } from './check-artifacts.js';

/** Refuses what the kernel of a system in memory cannot be told. */
export function checkKernel({ system: { kernel, secureBoot } }: ImageSpec, report: Report): void {
  if (/\p{Cc}/u.test(kernel.cmdline)) {
    const message = 'the kernel command line has a line break or another control character';
    report('systemConfig.kernel.cmdline', message, 'Write it on one line.');
  }
  if (kernel.unifiedImage === true) {
    const message = 'a unified kernel image (uki) of a system in memory is not supported yet';
    report('systemConfig.kernel.uki', message, 'Remove the key, or use imageType: raw.', UNSUPPORTED_YET);
  }
  if (secureBoot !== undefined) {
    const message = 'signing the boot files of a system in memory for Secure Boot is not supported yet';
    report('systemConfig.immutability.secureBootDBKey', message, 'Remove the keys, or use imageType: raw.', UNSUPPORTED_YET);
  }
  if (kernel.extraModules !== undefined) {
    const hint = 'Remove the key; name modules that are to be loaded in a file in /etc/modules-load.d.';
    report('systemConfig.kernel.enableExtraModules', 'an initrd that is the whole system holds all modules of its kernel', hint);
  }
}
