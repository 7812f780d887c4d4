import type { ImageFormat } from '@ict/plugin-api';
import { artifactTools } from './check-artifacts.js';
import { checkIso } from './check-iso.js';
import { PREPARE_VERSION, prepareInitrdTree } from './prepare-initrd.js';

/** The format of image type `iso`: the whole tree as an initrd on a medium that UEFI starts, as a disc or as a USB stick. */
export function createIsoFormat(): ImageFormat {
  return {
    imageTypes: ['iso'],
    version: PREPARE_VERSION,
    needsInitrd: false,
    check: checkIso,
    requires: (_spec, distribution) => {
      const loader = distribution.boot.loaders['systemd-boot'];
      return loader === undefined ? [] : [loader.package];
    },
    tools: artifactTools,
    prepare: prepareInitrdTree,
    prepareKey: () => ({}),
    // What writes images is loaded when one is asked for: most questions about a template need only what is above.
    build: async (input, steps, ctx) => (await import('./build-iso.js')).buildIso(input, steps, ctx),
  };
}
