import { defineErrors } from '@ict/plugin-api';

/** Every code that this package can throw. `docs/errors/` has a page for each. */
export const solverError = defineErrors({
  ICT_SOLVER_INPUT_INVALID: 'internal',
  ICT_SOLVER_LIMIT: 'unsolvable',
});
