import type * as OpenPgpModule from 'openpgp';

export type OpenPgp = typeof OpenPgpModule;

let loading: Promise<OpenPgp> | undefined;

/** The library, loaded with the first signature or key. Asking Node for it each time takes longer than all else that a check of a signature does. */
export function openPgp(): Promise<OpenPgp> {
  return (loading ??= import('openpgp'));
}
