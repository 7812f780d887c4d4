import { defineErrors } from '@ict/plugin-api';

/** Every code that this package throws. Reading an absent or unreadable archive file passes through as Node's own error. */
export const archiveError = defineErrors({
  ICT_ARCHIVE_AR: 'integrity',
  ICT_ARCHIVE_DEB: 'integrity',
  ICT_ARCHIVE_CPIO: 'integrity',
  ICT_ARCHIVE_COMPRESSION: 'invalid',
  ICT_ARCHIVE_TAR_HEADER: 'integrity',
  ICT_ARCHIVE_TAR_NAME: 'integrity',
  ICT_ARCHIVE_TAR_UNSUPPORTED: 'integrity',
  ICT_ARCHIVE_TRUNCATED: 'integrity',
  ICT_ARCHIVE_CORRUPT: 'integrity',
  ICT_ARCHIVE_TOO_LARGE: 'integrity',
  ICT_ARCHIVE_ESCAPE: 'integrity',
  ICT_ARCHIVE_CONFLICT: 'integrity',
  ICT_ARCHIVE_LINK: 'integrity',
  ICT_ARCHIVE_DEVICE: 'integrity',
  ICT_ARCHIVE_LEVEL: 'invalid',
  ICT_ARCHIVE_WRITE: 'host',
  ICT_ARCHIVE_PROGRAM_MISSING: 'host',
  ICT_ARCHIVE_PROGRAM_FAILED: 'host',
  ICT_ARCHIVE_ENTRY: 'internal',
  ICT_ARCHIVE_ENTRY_PASSED: 'internal',
});
