/**
 * What a clause of solvable `s` says:
 * - `requires`: with `s` comes at least one of the targets, the first that is possible; without targets `s` cannot be taken at all.
 * - `recommends`: the same, but given up when no target is possible.
 * - `suggests`: brings nothing in; where another clause has a choice, the targets are preferred to those that nobody suggests.
 * - `conflicts`: with `s` comes none of the targets. `s` itself is skipped, so a whole group makes "at most one of".
 */
export type ClauseKind = 'requires' | 'recommends' | 'suggests' | 'conflicts';

/** Kinds by the numbers that they have in {@link DependencyProvider.numbersOf}. */
export const CLAUSE_KINDS: readonly ClauseKind[] = ['requires', 'recommends', 'suggests', 'conflicts'];

/** One statement about a solvable, or about the request when it is a root. */
export interface Clause<R> {
  readonly kind: ClauseKind;
  /** Solvables, 1 to `count`; for `requires` and `recommends` in order of preference. */
  readonly targets: readonly number[];
  /** The clause speaks only where all of these are taken, too: `requires b when c` is "b if c". */
  readonly when?: readonly number[];
  /**
   * The clause speaks only where none of these is taken. For `recommends` and `suggests`, and with `recommendations: 'last'`: recommendations are
   * then followed in rounds, and such a one, as all that it asks for, is judged by what was there when its round began. What comes later does not
   * undo it.
   */
  readonly unless?: readonly number[];
  /** The caller's own name for the clause; clauses that share one (by identity) stand or fall together in an explanation. */
  readonly reason: R;
}

/** Tells what a solvable needs. The solver asks once, when it first takes the solvable: what nobody reaches is never encoded. */
export interface DependencyProvider<R> {
  /** Clauses in the order in which they are to be followed. */
  clausesOf(solvable: number): Iterable<Clause<R>>;
  /**
   * The same clauses as numbers, for who has them so: of each its kind (see {@link CLAUSE_KINDS}), the number of its targets, and these; none of them has `when` or `unless`. A
   * view that holds until the next question. Then `clausesOf` is asked only for what an answer tells, and for the reason of a member when that is read: copies of members have none.
   */
  numbersOf?(solvable: number): Int32Array;
}

/** A request. */
export interface SolverProblem<R> {
  /** Solvables are the integers 1 to `count`. */
  readonly count: number;
  /** What is asked for. All roots are chosen before the needs of any of them. */
  readonly roots: readonly Clause<R>[];
  readonly provider: DependencyProvider<R>;
  /**
   * When recommendations are followed: where they stand among the clauses of their solvable, depth-first (`inline`, as apt does; the
   * default), or when all requirements of all members are settled (`last`, as libsolv does).
   */
  readonly recommendations?: 'inline' | 'last';
  /** Bound on the search; default 200,000. Dependency problems need tens. */
  readonly maxConflicts?: number;
}

/** A solvable of the answer, and the clause that first asked for it. */
export interface Member<R> {
  readonly solvable: number;
  /** Whose clause: a solvable, or 0 for a root. */
  readonly by: number;
  readonly reason: R;
}

/** A clause and whose it is: a solvable, or 0 for a root. */
export interface OwnedClause<R> extends Clause<R> {
  readonly by: number;
}

/** What the search did; equal input gives equal numbers. */
export interface SolverStatistics {
  readonly solvables: number;
  readonly clauses: number;
  readonly decisions: number;
  readonly conflicts: number;
  readonly restarts: number;
}

export interface Solution<R> {
  readonly kind: 'solved';
  /** In the order in which they were chosen. */
  readonly members: readonly Member<R>[];
  /** Recommendations of members that the answer does not follow. */
  readonly dropped: readonly OwnedClause<R>[];
  readonly statistics: SolverStatistics;
}

export interface Contradiction<R> {
  readonly kind: 'unsolvable';
  /**
   * Clauses that exclude each other, in the order in which the search met them. Minimal: without the clauses of any one reason the
   * others can be satisfied; only of contradictions that took thousands of conflicts to find some may be left that could be spared. A `conflicts` clause lists only the targets that matter.
   */
  readonly core: readonly OwnedClause<R>[];
  readonly statistics: SolverStatistics;
}

export type SolverOutcome<R> = Solution<R> | Contradiction<R>;
