import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const imageError = defineErrors({
  ICT_IMAGE_BOOT_FILES: 'invalid',
  ICT_IMAGE_BOOT_PROGRAM: 'invalid',
  ICT_IMAGE_BLOB_GONE: 'integrity',
});
