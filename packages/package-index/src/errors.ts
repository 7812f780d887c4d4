import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw. `docs/errors/` has a page for each. */
export const packageIndexError = defineErrors({
  ICT_PACKAGE_INDEX_INVALID: 'integrity',
});
