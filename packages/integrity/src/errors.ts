import { defineErrors } from '@ict/plugin-api';

/**
 * Every code that this package throws. What the operating system refuses (a missing file, a full disk) passes through as
 * Node's own error, so that callers can still branch on `ENOENT` or `ENOSPC`.
 */
export const integrityError = defineErrors({
  ICT_INTEGRITY_DIGEST: 'integrity',
  ICT_INTEGRITY_SRI: 'integrity',
  ICT_INTEGRITY_NO_SHA256: 'integrity',
  ICT_INTEGRITY_JSON: 'invalid',
  ICT_INTEGRITY_KEY_KIND: 'internal',
});
