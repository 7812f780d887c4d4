import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw. `docs/errors/` has a page for each. */
export const debError = defineErrors({
  // Text formats.
  ICT_DEB_VERSION_INVALID: 'invalid',
  ICT_DEB_RELATION_INVALID: 'integrity',
  ICT_DEB_STANZA_INVALID: 'integrity',
  // The signed root of a repository.
  ICT_DEB_KEYRING_UNREADABLE: 'invalid',
  ICT_DEB_RELEASE_MISSING: 'network',
  ICT_DEB_RELEASE_UNSIGNED: 'integrity',
  ICT_DEB_RELEASE_SIGNATURE: 'integrity',
  ICT_DEB_RELEASE_UNKNOWN_KEY: 'integrity',
  ICT_DEB_RELEASE_EXPIRED_KEY: 'integrity',
  ICT_DEB_RELEASE_EXPIRED: 'integrity',
  ICT_DEB_RELEASE_FUTURE: 'integrity',
  ICT_DEB_RELEASE_MISMATCH: 'integrity',
  ICT_DEB_RELEASE_INVALID: 'integrity',
  ICT_DEB_RELEASE_WEAK: 'integrity',
  // Indexes.
  ICT_DEB_COMPONENT_MISSING: 'invalid',
  ICT_DEB_ARCHITECTURE_MISSING: 'invalid',
  ICT_DEB_INDEX_MISSING: 'network',
  ICT_DEB_INDEX_MISMATCH: 'integrity',
  ICT_DEB_INDEX_INVALID: 'integrity',
  // Packages and trees.
  ICT_DEB_PACKAGE_REPLACED: 'integrity',
  ICT_DEB_PACKAGE_MALFORMED: 'integrity',
  ICT_DEB_PACKAGE_ESCAPE: 'integrity',
  ICT_DEB_FILE_CONFLICT: 'command',
  ICT_DEB_STATUS_INVALID: 'integrity',
  ICT_DEB_INCONSISTENT: 'internal',
  // Distribution definitions.
  ICT_DEB_QUIRKS_INVALID: 'invalid',
});
