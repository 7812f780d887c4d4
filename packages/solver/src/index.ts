export type {
  Clause,
  ClauseKind,
  Contradiction,
  DependencyProvider,
  Member,
  OwnedClause,
  Solution,
  SolverOutcome,
  SolverProblem,
  SolverStatistics,
} from './problem.js';
export { CLAUSE_KINDS } from './problem.js';
export { solverError } from './errors.js';
export { solve } from './solve.js';
export { tellingOrder } from './telling-order.js';
