import * as fc from 'fast-check';
import type { Clause, OwnedClause, SolverProblem } from '../src/index.js';

/** A small random problem, with its clauses by owner; owner 0 holds the roots. */
export interface SmallProblem {
  readonly count: number;
  readonly clauses: readonly (readonly Clause<string>[])[];
}

/** The same as the solver takes it. */
export function toProblem({ count, clauses }: SmallProblem): SolverProblem<string> {
  return { count, roots: clauses[0]!, provider: { clausesOf: (solvable) => clauses[solvable]! } };
}

/** Hard clauses with their owners. */
export function hardClauses({ clauses }: SmallProblem): OwnedClause<string>[] {
  return clauses.flatMap((own, by) => own.filter(({ kind }) => kind !== 'recommends').map((clause) => ({ ...clause, by })));
}

/** True when a set of solvables (a bit each) satisfies every clause of its members and of the request. */
export function holds(set: number, clauses: readonly OwnedClause<string>[]): boolean {
  return clauses.every(({ by, kind, targets }) => {
    if (by !== 0 && (set & (1 << by)) === 0) return true;
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
  const kind = fc.constantFrom('requires', 'requires', 'conflicts', 'recommends');
  const clause = fc.record({ kind, targets: fc.array(target, { maxLength: 3 }) });
  const wish = fc.record({
    kind: fc.constantFrom('requires', 'requires', 'requires', 'recommends', 'conflicts'),
    targets: fc.array(target, { minLength: 1, maxLength: 3 }),
  });
  const own = fc.array(clause, { maxLength: 4 });
  return fc
    .tuple(fc.array(wish, { minLength: 1, maxLength: 3 }), fc.array(own, { minLength: count, maxLength: count }))
    .map(([roots, owned]) => ({
      count,
      // Some clauses share a reason, as clauses of one field may.
      clauses: [roots, ...owned].map((list, by) =>
        list.map((each, at) => ({
          kind: each.kind as Clause<string>['kind'],
          targets: each.targets,
          reason: at === 3 ? `${by}.2` : `${by}.${at}`,
        })),
      ),
    }));
});
