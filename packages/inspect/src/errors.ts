import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const inspectError = defineErrors({
  ICT_INSPECT_IMAGE: 'usage',
});
