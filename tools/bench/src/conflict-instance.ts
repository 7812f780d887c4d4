import type { Clause, SolverProblem } from '@ict/solver';

/** A pseudo-random stream (mulberry32), so that an instance is a function of its seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Packages in many versions that fight: of each package one version; each version needs some other packages, each in a narrow range of
 * versions around its own age. The newest versions are preferred and hardly ever fit together, so that a solver must give up many of its
 * first choices.
 *
 * @param packages how many packages; a quarter of them are asked for.
 * @param versions of each.
 * @param width how many versions of another package will do: of narrow ranges there is mostly no answer, of wide ones mostly is one.
 */
export function conflictInstance(packages: number, versions: number, width: number, seed: number): SolverProblem<string> {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const solvable = (pkg: number, version: number): number => pkg * versions + version + 1;
  const range = (pkg: number, from: number, to: number): number[] => {
    const targets: number[] = [];
    for (let version = Math.min(to, versions - 1); version >= Math.max(from, 0); version--) targets.push(solvable(pkg, version));
    return targets;
  };
  const clauses: Clause<string>[][] = [[]];
  for (let pkg = 0; pkg < packages; pkg++) {
    const siblings = range(pkg, 0, versions - 1);
    for (let version = 0; version < versions; version++) {
      const own: Clause<string>[] = [{ kind: 'conflicts', targets: siblings, reason: `one version of ${pkg}` }];
      for (let need = 0; need < 3; need++) {
        const other = below(packages);
        const centre = version + below(5) - 2;
        if (other !== pkg)
          own.push({
            kind: 'requires',
            targets: range(other, centre - (width >> 1), centre - (width >> 1) + width - 1),
            reason: `${pkg} ${version} needs ${other}`,
          });
      }
      clauses.push(own);
    }
  }
  const roots = Array.from({ length: Math.ceil(packages / 4) }, (_, i): Clause<string> => {
    const pkg = (i * 4) % packages;
    return { kind: 'requires', targets: range(pkg, 0, versions - 1), reason: `asked for ${pkg}` };
  });
  return { count: packages * versions, roots, provider: { clausesOf: (each) => clauses[each] as Clause<string>[] } };
}
