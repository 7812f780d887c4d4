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
});
