import { describe, expect, it } from 'vitest';
import { solve, type Clause } from '@ict/solver';
import { conflictInstance } from '../src/conflict-instance.js';

/** All clauses of an instance. */
function clausesOf({ count, roots, provider }: ReturnType<typeof conflictInstance>): readonly (readonly Clause<string>[])[] {
  return [roots, ...Array.from({ length: count }, (_, solvable) => [...provider.clausesOf(solvable + 1)])];
}

/** True when a choice holds all clauses of what it has: the simple check that every answer must pass. */
function holds(instance: ReturnType<typeof conflictInstance>, chosen: ReadonlySet<number>): boolean {
  const satisfied = (owner: number, { kind, targets }: Clause<string>): boolean =>
    kind === 'conflicts'
      ? targets.every((target) => target === owner || !chosen.has(target))
      : targets.some((target) => chosen.has(target));
  return clausesOf(instance).every((own, owner) => (owner > 0 && !chosen.has(owner)) || own.every((clause) => satisfied(owner, clause)));
}

describe('conflictInstance', () => {
  it('is a function of its arguments', () => {
    expect(clausesOf(conflictInstance(12, 4, 3, 7))).toEqual(clausesOf(conflictInstance(12, 4, 3, 7)));
    expect(clausesOf(conflictInstance(12, 4, 3, 7))).not.toEqual(clausesOf(conflictInstance(12, 4, 3, 8)));
  });

  it('has the size that was asked for, and names only what it has', () => {
    const instance = conflictInstance(12, 4, 3, 1);
    expect([instance.count, instance.roots.length]).toEqual([48, 3]);
    const targets = clausesOf(instance).flatMap((own) => own.flatMap((clause) => [...clause.targets]));
    expect([Math.min(...targets), Math.max(...targets)]).toEqual([1, 48]);
    const needs = clausesOf(instance)
      .slice(1)
      .flat()
      .filter(({ kind }) => kind === 'requires');
    expect(Math.max(...needs.map((clause) => clause.targets.length))).toBe(3);
  });

  it('excludes the other versions of a package', () => {
    const [, , second] = clausesOf(conflictInstance(2, 3, 3, 1));
    expect(second?.[0]).toMatchObject({ kind: 'conflicts', targets: [3, 2, 1] });
  });

  it('is solved by what holds, or refuted, and costs conflicts', () => {
    let conflicts = 0;
    const kinds = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      for (const width of [3, 5]) {
        const instance = conflictInstance(20, 6, width, seed);
        const outcome = solve(instance);
        kinds.add(outcome.kind);
        conflicts += outcome.statistics.conflicts;
        if (outcome.kind === 'solved') expect(holds(instance, new Set(outcome.members.map(({ solvable }) => solvable)))).toBe(true);
      }
    }
    expect([...kinds].sort()).toEqual(['solved', 'unsolvable']);
    expect(conflicts).toBeGreaterThan(50);
  });
});
