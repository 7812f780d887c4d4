import type { ImageFormat } from '@ict/plugin-api';
import { artifactTools } from './check-artifacts.js';
import { checkInitrd } from './check-initrd.js';
import { PREPARE_VERSION, prepareInitrdTree } from './prepare-initrd.js';

/** The format of image type `img`: the whole tree as an initrd, with its kernel beside it. */
export function createInitrdFormat(): ImageFormat {
  return {
    imageTypes: ['img'],
    version: PREPARE_VERSION,
    needsInitrd: false,
    check: checkInitrd,
    requires: () => [],
    tools: artifactTools,
    prepare: prepareInitrdTree,
    prepareKey: () => ({}),
    // What writes archives is loaded when one is asked for: most questions about a template need only what is above.
    build: async (input, steps, ctx) => (await import('./build-initrd.js')).buildInitrd(input, steps, ctx),
  };
}
