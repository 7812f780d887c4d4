import type { RepositorySpec } from '@ict/plugin-api';
import { readRegularFileSync } from './regular-file.js';

/** What is wrong with the keyrings of a repository, without the code that its ecosystem has for it. */
export interface KeyringFault {
  readonly message: string;
  readonly hint: string;
  readonly facts: { readonly repository: string; readonly keyrings: readonly string[] };
  readonly cause?: unknown;
}

/**
 * Reads the keyrings of a repository, as every ecosystem does; at once, because each package asks for them and they are small.
 *
 * @param refuse makes the error for a repository that names none, or one that cannot be read: what is signed is never used unverified.
 */
export function readKeyringFiles(
  { id, keyrings }: Pick<RepositorySpec, 'id' | 'keyrings'>,
  refuse: (fault: KeyringFault) => Error,
): readonly Uint8Array[] {
  const unreadable = (message: string, cause?: unknown): Error =>
    refuse({
      message,
      hint: 'Name a readable OpenPGP keyring, binary or armoured, that holds the key of the repository.',
      facts: { repository: id, keyrings },
      ...(cause === undefined ? {} : { cause }),
    });
  if (keyrings.length === 0) throw unreadable(`repository "${id}" names no keyring`);
  return keyrings.map((path) => {
    try {
      return readRegularFileSync(path);
    } catch (cause) {
      throw unreadable(`keyring ${path} of repository "${id}" cannot be read: ${(cause as Error).message}`, cause);
    }
  });
}
