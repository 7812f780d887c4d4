import type { ImageFormat } from '@ict/plugin-api';
import { checkDisk } from './check-disk.js';
import { growthPackages } from './growth.js';
import { PREPARE_VERSION, prepareKey, prepareTree } from './prepare.js';
import { initrdModules } from './initrd-modules.js';
import { requiredTools } from './required-tools.js';

/** The format of image type `raw`: GPT disks that boot by UEFI, as raw files or virtual disks, compressed or not. */
export function createDiskFormat(): ImageFormat {
  return {
    imageTypes: ['raw'],
    version: PREPARE_VERSION,
    check: checkDisk,
    requires: (spec, distribution) => {
      const loader = spec.system.bootloader.provider === 'systemd-boot' ? distribution.boot.loaders['systemd-boot'] : undefined;
      const growth = growthPackages(spec, distribution);
      return loader === undefined ? growth : [loader.package, ...growth.filter(({ name }) => name !== loader.package)];
    },
    tools: (spec) => requiredTools(spec).map(({ capability }) => capability),
    initrdModules,
    prepare: prepareTree,
    prepareKey,
    // What writes disks is loaded when one is asked for: most questions about a template need only what is above.
    build: async (input, steps, ctx) => (await import('./build-disk.js')).buildDisk(input, steps, ctx),
  };
}
