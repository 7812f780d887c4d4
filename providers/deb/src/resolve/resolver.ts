import type { Resolver } from '@ict/plugin-api';
import { compareDebVersions } from '../relations/version.js';

/**
 * Turns seeds into a closure as apt does with an empty system: the same candidates, the same choice among alternatives and providers,
 * Recommends in the same order; but complete, where apt gives up. Phased updates are always included.
 *
 * The code that resolves is loaded with the first question that no memory answers.
 */
export function createResolver(): Resolver {
  return {
    version: 10,
    takesPins: true,
    resolve: async (request, ctx) => (await import('./resolve.js')).resolve(request, ctx),
    compareVersions: compareDebVersions,
  };
}
