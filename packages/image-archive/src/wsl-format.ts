import type { ImageFormat } from '@ict/plugin-api';
import { artifactTools, checkArtifacts, problemsOf } from './check-artifacts.js';

/** Bumped when `prepare` writes something else for equal input; it writes nothing. */
const PREPARE_VERSION = 1;

/**
 * The format of image type `wsl2`: the tree as a tar archive for `wsl --import`. Windows brings kernel, init and disk; `/etc/wsl.conf` is the
 * template's own.
 */
export function createWslFormat(): ImageFormat {
  return {
    imageTypes: ['wsl2'],
    version: PREPARE_VERSION,
    needsInitrd: false,
    check: (spec, distribution) =>
      problemsOf(spec, (report) => checkArtifacts(spec, distribution, { type: 'tar', what: 'a wsl2 image' }, report)),
    requires: () => [],
    tools: artifactTools,
    prepare: async () => undefined,
    prepareKey: () => ({}),
    // What writes archives is loaded when one is asked for: most questions about a template need only what is above.
    build: async (input, steps, ctx) => (await import('./build-wsl.js')).buildWsl(input, steps, ctx),
  };
}
