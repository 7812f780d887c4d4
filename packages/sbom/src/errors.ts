import { defineErrors } from '@ict/plugin-api';

/** Every failure that this package reports. */
export const sbomError = defineErrors({
  ICT_SBOM_INPUT: 'internal',
});
