import { defineErrors } from '@ict/plugin-api';

/** Codes of the problems and warnings in a resolution. They are reported, not thrown; the engine throws for them when it stops a build. */
export const resolutionError = defineErrors({
  ICT_RPM_UNKNOWN_PACKAGE: 'invalid',
  ICT_RPM_UNKNOWN_VERSION: 'invalid',
  ICT_RPM_PACKAGE_WITHHELD: 'invalid',
  ICT_RPM_UNKNOWN_MODULE: 'invalid',
  ICT_RPM_MODULE_CONFLICT: 'unsolvable',
  ICT_RPM_UNSATISFIABLE: 'unsolvable',
  ICT_RPM_RECOMMENDS_DROPPED: 'unsolvable',
});
