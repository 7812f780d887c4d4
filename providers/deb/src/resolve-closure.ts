import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

const NEEDS = ['Pre-Depends', 'Depends'] as const;
const WEAK = ['Recommends'] as const;

/**
 * What was chosen, as the lock has it: sorted by id, each package with the members that satisfy its Depends and Pre-Depends, and with
 * why it is here: reasons of seeds, and members that need it or, when Recommends count, recommend it. The relations behind that come
 * along, as the packages write them.
 *
 * @throws `ICT_DEB_INDEX_INVALID` when the index gives a chosen package a value that cannot be trusted.
 */
export function buildClosure(pool: Pool, members: readonly Member<Reason>[], wanted: readonly Wanted[], recommends: boolean): Closure {
  const solvables = members.map(({ solvable }) => solvable);
  const idOf = new Map(solvables.map((solvable) => [solvable, pool.id(solvable)]));
  solvables.sort((a, b) => compareText(idOf.get(a)!, idOf.get(b)!));
  const ids = solvables.map((solvable) => idOf.get(solvable)!);
  /** By solvable: place in the order of ids + 1, so that numbers are compared from here on. */
  const places = new Int32Array(pool.count + 1);
  solvables.forEach((solvable, place) => (places[solvable] = place + 1));

  const requestedBy: string[][] = ids.map(() => []);
  const requires: (readonly string[])[] = [];
  const relations: PackageRelation[] = [];
  const texts = new Map<number, string>(); // many packages share a group
  /** By place: the last package that is known to need it. */
  const neededBy = new Int32Array(ids.length).fill(-1);
  for (let place = 0; place < ids.length; place++) {
    const found = satisfying(place, 'requires', NEEDS);
    requires.push(distinct(found).map((to) => ids[to]!));
    if (recommends) found.push(...satisfying(place, 'recommends', WEAK));
    for (const { to } of found) {
      if (neededBy[to] !== place) requestedBy[to]!.push(ids[place]!);
      neededBy[to] = place;
    }
    // Stable: relations to one package stay in the order in which they are written.
    found.sort((a, b) => a.to - b.to);
    for (const { to, kind, field, text } of found) relations.push({ from: ids[place]!, to: ids[to]!, kind, field, text });
  }
  for (const { seed, targets } of wanted) {
    const chosen = targets.find((target) => places[target]! > 0);
    if (chosen !== undefined) requestedBy[places[chosen]! - 1]!.push(seed.reason);
  }
  const packages = solvables.map((solvable, place): ResolvedPackage => {
    const { index, at } = pool.locate(solvable);
    const maintainer = index.field(at, 'maintainer');
    const homepage = index.field(at, 'homepage');
    const summary = index.summary(at);
    return {
      ...index.record(at, pool.repository(solvable).id),
      id: ids[place]!,
      requires: requires[place]!,
      requestedBy: sortedOnce(requestedBy[place]!),
      source: index.source(at),
      ...(maintainer === undefined ? {} : { maintainer }),
      ...(homepage === undefined ? {} : { homepage }),
      ...(summary === undefined ? {} : { summary }),
    };
  });
  return { packages, relations };

  /** Members that satisfy fields of a member, group by group. */
  function satisfying(place: number, kind: PackageRelation['kind'], fields: readonly (typeof NEEDS | typeof WEAK)[number][]): Satisfied[] {
    const found: Satisfied[] = [];
    const solvable = solvables[place]!;
    const arch = pool.archOf(solvable);
    for (const field of fields) {
      for (const group of pool.groups(solvable, field) ?? []) {
        for (const target of pool.targets(group, arch) ?? []) {
          const to = places[target]! - 1;
          if (to < 0 || target === solvable) continue;
          let text = texts.get(group);
          if (text === undefined) texts.set(group, (text = pool.tellGroup(group, arch)));
          found.push({ to, kind, field, text });
        }
      }
    }
    return found;
  }
}

/** A member that satisfies a relation, as its place in the order of ids. */
interface Satisfied extends Pick<PackageRelation, 'kind' | 'field' | 'text'> {
  readonly to: number;
}

/** Places that occur, ascending, each once. */
function distinct(found: readonly Satisfied[]): number[] {
  const places = found.map(({ to }) => to).sort((a, b) => a - b);
  return places.filter((place, i) => i === 0 || place !== places[i - 1]);
}

/** Ids that are sorted but for what was added at the end, each once. */
function sortedOnce(texts: string[]): string[] {
  return [...new Set(texts)].sort();
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
