import { readRegularFileSync } from '@ict/integrity';
import type { RepositorySpec } from '@ict/plugin-api';
import { rpmError } from '../errors.js';

/**
 * Reads the keyrings of a repository; synchronously, because each package asks for them and they are small.
 *
 * @throws `ICT_RPM_KEYRING_UNREADABLE` when there is none, or one cannot be read.
 */
export function readKeyrings(repository: RepositorySpec): readonly Uint8Array[] {
  if (repository.keyrings.length === 0) throw unreadable(repository, `repository "${repository.id}" names no keyring`);
  return repository.keyrings.map((path) => {
    try {
      return readRegularFileSync(path);
    } catch (cause) {
      throw unreadable(repository, `keyring ${path} of repository "${repository.id}" cannot be read: ${(cause as Error).message}`, cause);
    }
  });
}

function unreadable(repository: RepositorySpec, message: string, cause?: unknown): Error {
  return rpmError('ICT_RPM_KEYRING_UNREADABLE', {
    message,
    hint: 'Name a readable OpenPGP keyring, binary or armoured, that holds the key of the repository.',
    facts: { repository: repository.id, keyrings: repository.keyrings },
    ...(cause === undefined ? {} : { cause }),
  });
}
