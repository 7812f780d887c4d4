import type { Clause, SolverProblem } from '../src/index.js';

/** `pigeons` pigeons, each in one of `holes` holes, no two in one. */
export function pigeonhole(pigeons: number, holes: number): SolverProblem<string> {
  const at = (pigeon: number, hole: number): number => pigeon * holes + hole + 1;
  const roots: Clause<string>[] = [];
  const clauses = new Map<number, Clause<string>[]>();
  for (let pigeon = 0; pigeon < pigeons; pigeon++) {
    roots.push({ kind: 'requires', targets: Array.from({ length: holes }, (_, hole) => at(pigeon, hole)), reason: `pigeon ${pigeon}` });
    for (let hole = 0; hole < holes; hole++) {
      const others = Array.from({ length: pigeons }, (_, other) => at(other, hole));
      clauses.set(at(pigeon, hole), [{ kind: 'conflicts', targets: others, reason: `hole ${hole}` }]);
    }
  }
  return { count: pigeons * holes, roots, provider: { clausesOf: (solvable) => clauses.get(solvable) ?? [] } };
}
