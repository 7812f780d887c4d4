import type { OwnedClause } from './problem.js';

/** The clauses of a contradiction in the order in which they are best told: each root, and depth-first what follows from it. */
export function tellingOrder<R>(core: readonly OwnedClause<R>[]): readonly OwnedClause<R>[] {
  const byOwner = Map.groupBy(core, ({ by }) => by);
  const ordered: OwnedClause<R>[] = [];
  const told = new Set<number>([0]);
  const stack = [...(byOwner.get(0) ?? [])].reverse();
  for (let clause = stack.pop(); clause !== undefined; clause = stack.pop()) {
    ordered.push(clause);
    if (clause.kind === 'conflicts') continue;
    for (const target of [...clause.targets].reverse()) {
      if (told.has(target)) continue;
      told.add(target);
      stack.push(...[...(byOwner.get(target) ?? [])].reverse());
    }
  }
  return ordered;
}
