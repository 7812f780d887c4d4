import { hasCode } from '@ict/plugin-api';
import type { Clause, DependencyProvider, OwnedClause, SolverOutcome, SolverProblem } from './problem.js';
import { Search } from './search.js';

/** Bound on each search that tries to make an explanation smaller. */
const EXPLANATION_CONFLICTS = 1_000;
/** Bound on all of them together, in clauses that are loaded; explanations that people can read need a twentieth. */
const EXPLANATION_EFFORT = 100_000;
/** Clauses whose loading takes about as long as a conflict. */
const CONFLICT_EFFORT = 20;

/**
 * Finds what to take so that every root and every clause of what is taken holds.
 *
 * Deterministic: equal input gives an equal outcome, member by member. Preferences are followed depth-first (see `DependencyProvider`),
 * and complete: when the preferred targets fail, others are tried until one works or none can.
 *
 * @throws `ICT_SOLVER_INPUT_INVALID` for a target that is no solvable, `ICT_SOLVER_LIMIT` after `maxConflicts`.
 */
export function solve<R>(problem: SolverProblem<R>): SolverOutcome<R> {
  const outcome = new Search(problem).run();
  return outcome.kind === 'solved' ? outcome : { ...outcome, core: minimise(problem.count, outcome.core) };
}

/** Leaves out one reason after the other, the last first, as long as the rest still contradicts itself and the effort is bearable. */
function minimise<R>(count: number, core: readonly OwnedClause<R>[]): readonly OwnedClause<R>[] {
  let current = core;
  let effort = 0;
  const reasons = [...new Set(core.map(({ reason }) => reason))];
  const numbering = renumber(core, count);
  for (const reason of reasons.reverse()) {
    if (effort > EXPLANATION_EFFORT) break;
    const rest = current.filter((clause) => clause.reason !== reason);
    if (rest.length === current.length) continue;
    const { smaller, conflicts } = contradiction(rest, numbering);
    effort += rest.length + CONFLICT_EFFORT * conflicts;
    if (smaller !== undefined) current = smaller;
  }
  return current;
}

/** The part of `clauses` that contradicts itself; none when they can be satisfied, or when that is too hard to say. */
function contradiction<R>(
  clauses: readonly OwnedClause<R>[],
  numbering: ReadonlyMap<number, number>,
): { readonly smaller?: readonly OwnedClause<R>[]; readonly conflicts: number } {
  const number = (solvable: number): number => numbering.get(solvable)!;
  const byOwner = new Map<number, Clause<OwnedClause<R>>[]>();
  for (const clause of clauses) {
    const owner = number(clause.by);
    const own = byOwner.get(owner) ?? [];
    byOwner.set(owner, own);
    own.push({ kind: clause.kind, targets: clause.targets.map(number), when: clause.when?.map(number), reason: clause });
  }
  const provider: DependencyProvider<OwnedClause<R>> = { clausesOf: (solvable) => byOwner.get(solvable) ?? [] };
  try {
    const problem = { count: numbering.size - 1, roots: byOwner.get(0) ?? [], provider, maxConflicts: EXPLANATION_CONFLICTS };
    const outcome = new Search(problem).run();
    const { conflicts } = outcome.statistics;
    if (outcome.kind === 'solved') return { conflicts };
    const used = new Map(outcome.core.map((clause) => [clause.reason, new Set(clause.targets)]));
    const smaller = clauses
      .filter((clause) => used.has(clause))
      .map((clause) => {
        if (clause.kind !== 'conflicts') return clause;
        return { ...clause, targets: clause.targets.filter((target) => used.get(clause)!.has(number(target))) };
      });
    return { smaller, conflicts };
  } catch (error) {
    if (hasCode(error, 'ICT_SOLVER_LIMIT')) return { conflicts: EXPLANATION_CONFLICTS };
    throw error;
  }
}

/** Small numbers for the solvables of a core, so that trying it again costs what the core costs; 0 stays 0. */
function renumber<R>(core: readonly OwnedClause<R>[], count: number): Map<number, number> {
  const used = new Uint8Array(count + 1);
  for (const { by, targets, when = [] } of core) {
    used[by] = 1;
    for (const target of targets) used[target] = 1;
    for (const condition of when) used[condition] = 1;
  }
  const numbering = new Map([[0, 0]]);
  for (let solvable = 1; solvable <= count; solvable++) if (used[solvable] === 1) numbering.set(solvable, numbering.size);
  return numbering;
}
