import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw. `docs/errors/` has a page for each. */
export const rpmError = defineErrors({
  // Versions and relations.
  ICT_RPM_VERSION_INVALID: 'invalid',
  ICT_RPM_RELATION_INVALID: 'integrity',
  // Package files.
  ICT_RPM_LEAD_INVALID: 'integrity',
  ICT_RPM_HEADER_INVALID: 'integrity',
  ICT_RPM_PAYLOAD_INVALID: 'integrity',
  // Lists of mirrors, and the signed root of a repository.
  ICT_RPM_MIRRORS_INVALID: 'integrity',
  ICT_RPM_KEYRING_UNREADABLE: 'invalid',
  ICT_RPM_REPOMD_MISSING: 'network',
  ICT_RPM_REPOMD_UNSIGNED: 'integrity',
  ICT_RPM_REPOMD_SIGNATURE: 'integrity',
  ICT_RPM_REPOMD_UNKNOWN_KEY: 'integrity',
  ICT_RPM_REPOMD_EXPIRED_KEY: 'integrity',
  ICT_RPM_REPOMD_INVALID: 'integrity',
  ICT_RPM_REPOMD_ROLLBACK: 'integrity',
  ICT_RPM_REPOMD_UNLISTED: 'integrity',
  // Metadata.
  ICT_RPM_INDEX_MISSING: 'network',
  ICT_RPM_INDEX_MISMATCH: 'integrity',
  ICT_RPM_INDEX_INVALID: 'integrity',
  // Packages and trees.
  ICT_RPM_PACKAGE_REPLACED: 'integrity',
  ICT_RPM_PACKAGE_DIGEST: 'integrity',
  ICT_RPM_PACKAGE_WEAK: 'integrity',
  ICT_RPM_PACKAGE_UNSIGNED: 'integrity',
  ICT_RPM_PACKAGE_SIGNATURE: 'integrity',
  ICT_RPM_PACKAGE_UNKNOWN_KEY: 'integrity',
  ICT_RPM_PACKAGE_EXPIRED_KEY: 'integrity',
  ICT_RPM_NO_INSTALLER: 'invalid',
  ICT_RPM_DEPENDENCY_CHECK: 'command',
  ICT_RPM_FILE_CONFLICT: 'command',
  ICT_RPM_OWNER_UNKNOWN: 'command',
  ICT_RPM_SCRIPTLET_FAILED: 'command',
  ICT_RPM_INVENTORY_INVALID: 'internal',
  // Distribution definitions.
  ICT_RPM_QUIRKS_INVALID: 'invalid',
});
