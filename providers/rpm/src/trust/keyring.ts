import { readKeyringFiles } from '@ict/integrity';
import type { RepositorySpec } from '@ict/plugin-api';
import { rpmError } from '../errors.js';

/**
 * Reads the keyrings of a repository.
 *
 * @throws `ICT_RPM_KEYRING_UNREADABLE` when there is none, or one cannot be read.
 */
export function readKeyrings(repository: RepositorySpec): readonly Uint8Array[] {
  return readKeyringFiles(repository, (fault) => rpmError('ICT_RPM_KEYRING_UNREADABLE', fault));
}
