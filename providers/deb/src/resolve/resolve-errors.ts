import { defineErrors } from '@ict/plugin-api';

/** Codes of the problems and warnings in a resolution. They are reported, not thrown; the engine throws for them when it stops a build. */
export const resolutionError = defineErrors({
  ICT_DEB_UNKNOWN_PACKAGE: 'invalid',
  ICT_DEB_UNKNOWN_VERSION: 'invalid',
  ICT_DEB_PACKAGE_WITHHELD: 'invalid',
  ICT_DEB_BASE_WITHHELD: 'invalid',
  ICT_DEB_UNSATISFIABLE: 'unsolvable',
  ICT_DEB_VIRTUAL_PACKAGE: 'invalid',
  ICT_DEB_RECOMMENDS_DROPPED: 'unsolvable',
  ICT_DEB_PRE_DEPENDS_CYCLE: 'integrity',
});
