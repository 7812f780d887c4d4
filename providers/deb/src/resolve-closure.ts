import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import type { RelationField } from './packages-index.js';
import { formatGroup } from './relation.js';
import type { RelationGroup } from './relation.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

const NEEDS: readonly RelationField[] = ['Pre-Depends', 'Depends'];

/**
 * What was chosen, as the lock has it: sorted by id, each package with the members that satisfy its Depends and Pre-Depends, and with
 * why it is here: reasons of seeds, and members that need it or, when Recommends count, recommend it. The relations behind that come
 * along, as the packages write them.
 *
 * @throws `ICT_DEB_INDEX_INVALID` when the index gives a chosen package a value that cannot be trusted.
 */
export function buildClosure(pool: Pool, members: readonly Member<Reason>[], wanted: readonly Wanted[], recommends: boolean): Closure {
  // In the order of ids, so that what is gathered package by package is nearly sorted.
  const ids = new Map(members.map(({ solvable }) => [solvable, pool.id(solvable)] as const).sort(([, a], [, b]) => compareText(a, b)));
  const requires = new Map<number, Set<string>>();
  const requestedBy = new Map<number, Set<string>>(members.map(({ solvable }) => [solvable, new Set()]));
  const relations: PackageRelation[] = [];
  const texts = new Map<RelationGroup, string>(); // many packages share a group
  const textOf = (group: RelationGroup): string => {
    const known = texts.get(group) ?? formatGroup(group);
    texts.set(group, known);
    return known;
  };
  const satisfying = function* (solvable: number, kind: PackageRelation['kind'], fields: readonly RelationField[]): Generator<number> {
    const arch = pool.archOf(solvable);
    for (const field of fields) {
      for (const written of pool.relations(solvable, field) ?? []) {
        const group = pool.applicable(written, arch);
        if (group === undefined) continue;
        for (const target of pool.targets(group, arch)) {
          const to = ids.get(target);
          if (target === solvable || to === undefined) continue;
          relations.push({ from: ids.get(solvable)!, to, kind, field, text: textOf(group) });
          yield target;
        }
      }
    }
  };
  for (const [solvable, id] of ids) {
    const own = new Set<string>();
    for (const target of satisfying(solvable, 'requires', NEEDS)) {
      own.add(ids.get(target)!);
      requestedBy.get(target)!.add(id);
    }
    requires.set(solvable, own);
    if (recommends) for (const target of satisfying(solvable, 'recommends', ['Recommends'])) requestedBy.get(target)!.add(id);
  }
  for (const { seed, targets } of wanted) {
    const chosen = targets.find((target) => ids.has(target));
    if (chosen !== undefined) requestedBy.get(chosen)!.add(seed.reason);
  }
  const packages = members.map(({ solvable }): ResolvedPackage => {
    const { index, at } = pool.locate(solvable);
    const maintainer = index.field(at, 'maintainer');
    const homepage = index.field(at, 'homepage');
    const summary = index.summary(at);
    return {
      ...index.record(at, pool.repository(solvable).id),
      id: ids.get(solvable)!,
      requires: [...requires.get(solvable)!].sort(),
      requestedBy: [...requestedBy.get(solvable)!].sort(),
      source: index.source(at),
      ...(maintainer === undefined ? {} : { maintainer }),
      ...(homepage === undefined ? {} : { homepage }),
      ...(summary === undefined ? {} : { summary }),
    };
  });
  return {
    packages: packages.sort((a, b) => (a.id < b.id ? -1 : 1)),
    relations: relations.sort((a, b) => compareText(a.from, b.from) || compareText(a.to, b.to)),
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
