import * as fc from 'fast-check';
import type { Clause, OwnedClause, SolverProblem } from '../src/index.js';

/** A small random problem, with its clauses by owner; owner 0 holds the roots. */
export interface SmallProblem {
  readonly count: number;
  readonly clauses: readonly (readonly Clause<string>[])[];
  readonly recommendations: 'inline' | 'last';
}

/** The same as the solver takes it. */
export function toProblem({ count, clauses, recommendations }: SmallProblem): SolverProblem<string> {
  return { count, roots: clauses[0]!, provider: { clausesOf: (solvable) => clauses[solvable]! }, recommendations };
}

/** Hard clauses with their owners. */
export function hardClauses({ clauses }: SmallProblem): OwnedClause<string>[] {
  const hard = (own: readonly Clause<string>[]) => own.filter(({ kind }) => kind === 'requires' || kind === 'conflicts');
  return clauses.flatMap((own, by) => hard(own).map((clause) => ({ ...clause, by })));
}

/** True when a clause's owner and all of its condition are in a set. */
export function speaks(set: number, { by, when = [] }: OwnedClause<string>): boolean {
  return [...(by === 0 ? [] : [by]), ...when].every((solvable) => (set & (1 << solvable)) !== 0);
}

/** True when a set of solvables (a bit each) satisfies every clause of its members and of the request. */
export function holds(set: number, clauses: readonly OwnedClause<string>[]): boolean {
  return clauses.every((clause) => {
    const { by, kind, targets } = clause;
    if (!speaks(set, clause)) return true;
    if (kind === 'requires') return targets.some((target) => (set & (1 << target)) !== 0);
    return targets.every((target) => target === by || (set & (1 << target)) === 0);
  });
}

/** Tries every set. */
export function satisfiable(count: number, clauses: readonly OwnedClause<string>[]): boolean {
  for (let set = 0; set < 1 << (count + 1); set += 2) if (holds(set, clauses)) return true;
  return false;
}

/** Problems of up to 9 solvables, dense enough that about half have no answer. */
export const smallProblem: fc.Arbitrary<SmallProblem> = fc.integer({ min: 1, max: 9 }).chain((count) => {
  const target = fc.integer({ min: 1, max: count });
  const when = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(target, { maxLength: 2 }) });
  const kind = fc.constantFrom('requires', 'requires', 'conflicts', 'recommends', 'suggests');
  const clause = fc.record({ kind, targets: fc.array(target, { maxLength: 3 }), when });
  const wish = fc.record({
    kind: fc.constantFrom('requires', 'requires', 'requires', 'recommends', 'suggests', 'conflicts'),
    targets: fc.array(target, { minLength: 1, maxLength: 3 }),
    when,
  });
  const own = fc.array(clause, { maxLength: 4 });
  const owned = fc.array(own, { minLength: count, maxLength: count });
  return fc
    .tuple(fc.array(wish, { minLength: 1, maxLength: 3 }), owned, fc.constantFrom<'inline' | 'last'>('inline', 'last'))
    .map(([roots, others, recommendations]) => ({
      count,
      recommendations,
      // Some clauses share a reason, as clauses of one field may.
      clauses: [roots, ...others].map((list, by) =>
        list.map((each, at) => ({
          kind: each.kind as Clause<string>['kind'],
          targets: each.targets,
          ...(each.when.length === 0 ? {} : { when: each.when }),
          reason: at === 3 ? `${by}.2` : `${by}.${at}`,
        })),
      ),
    }));
});
