import { defineErrors } from '@ict/plugin-api';

/** Every code that this plugin throws or reports. A prefix of its own keeps them apart from those of ICT. */
export const tarballError = defineErrors({
  TARBALLS_KEYRING: 'invalid',
  TARBALLS_SIGNATURE: 'integrity',
  TARBALLS_EXPIRED: 'integrity',
  TARBALLS_INDEX: 'integrity',
  TARBALLS_PACKAGE: 'integrity',
  TARBALLS_UNKNOWN: 'invalid',
});
