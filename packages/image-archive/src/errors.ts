import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const archiveImageError = defineErrors({
  ICT_IMAGE_UNSUPPORTED: 'invalid',
  ICT_IMAGE_NAME: 'invalid',
  ICT_IMAGE_FILE_TOO_LARGE: 'invalid',
  ICT_IMAGE_ATTRIBUTES_LOST: 'invalid',
});
