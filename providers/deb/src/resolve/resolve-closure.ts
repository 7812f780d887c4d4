import { answersOf } from '@ict/package-index';
import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

const NEEDS = ['Pre-Depends', 'Depends'] as const;
const WEAK = ['Recommends'] as const;
type NeedField = (typeof NEEDS | typeof WEAK)[number];

/**
 * What was chosen, as the lock has it: sorted by id, each package with the members that satisfy its Depends and Pre-Depends, and with
 * why it is here: reasons of seeds, and members that need it or, when Recommends count, recommend it. The relations behind that come
 * along, as the packages write them, and what was taken for each seed.
 *
 * @throws `ICT_DEB_INDEX_INVALID` when the index gives a chosen package a value that cannot be trusted.
 */
export function buildClosure(pool: Pool, members: readonly Member<Reason>[], wanted: readonly Wanted[], recommends: boolean): Closure {
  const solvableOf = new Map(members.map(({ solvable }) => [pool.id(solvable), solvable]));
  const ids = [...solvableOf.keys()].sort();
  const solvables = ids.map((id) => solvableOf.get(id)!);
  /** By solvable: place in the order of ids + 1, so that numbers are compared from here on. */
  const places = new Int32Array(pool.count + 1);
  solvables.forEach((solvable, place) => (places[solvable] = place + 1));

  const requestedBy: string[][] = ids.map(() => []);
  const requires: (readonly string[])[] = [];
  const relations: PackageRelation[] = [];
  const answers: [request: string, id: string][] = [];
  const needs = new GroupMembers(pool, places);
  /** By place: the last package that is known to need it. */
  const neededBy = new Int32Array(ids.length).fill(-1);
  for (let place = 0; place < ids.length; place++) relate(place);
  for (const { seed, targets } of wanted) {
    const chosen = targets.find((target) => places[target]! > 0);
    if (chosen === undefined) continue;
    const place = places[chosen]! - 1;
    requestedBy[place]!.push(seed.reason);
    answers.push([seed.request, ids[place]!]);
  }
  return { packages: solvables.map(describe), relations, answers: answersOf(answers) };

  /** Notes what a member needs and, when Recommends count, recommends. */
  function relate(place: number): void {
    const solvable = solvables[place]!;
    const found = needs.satisfying(solvable, 'requires', NEEDS);
    requires.push(distinct(found).map((to) => ids[to]!));
    if (recommends) found.push(...needs.satisfying(solvable, 'recommends', WEAK));
    noteNeeds(found, place);
    // Stable: relations to one package stay in the order in which they are written.
    found.sort(byPlace);
    addRelations(found, ids[place]!);
  }

  function describe(solvable: number, place: number): ResolvedPackage {
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
  }

  function noteNeeds(found: readonly Satisfied[], place: number): void {
    for (const { to } of found) {
      if (neededBy[to] !== place) requestedBy[to]!.push(ids[place]!);
      neededBy[to] = place;
    }
  }

  function addRelations(found: readonly Satisfied[], from: string): void {
    for (const { to, kind, field, text } of found) relations.push({ from, to: ids[to]!, kind, field, text });
  }
}

/** The members that satisfy each group: many packages share one, and what is said of it is found once. */
class GroupMembers {
  readonly #pool: Pool;
  readonly #places: Int32Array;
  /** By place of an architecture and number of a group. */
  readonly #known: readonly Map<number, Members>[];

  /** @param places by solvable: place of the member + 1, or 0. */
  constructor(pool: Pool, places: Int32Array) {
    this.#pool = pool;
    this.#places = places;
    this.#known = pool.architectures.map(() => new Map());
  }

  /** Members that satisfy fields of a member, group by group. */
  satisfying(solvable: number, kind: PackageRelation['kind'], fields: readonly NeedField[]): Satisfied[] {
    const found: Satisfied[] = [];
    for (const field of fields) this.#addField(solvable, kind, field, found);
    return found;
  }

  #addField(solvable: number, kind: PackageRelation['kind'], field: NeedField, found: Satisfied[]): void {
    const own = this.#places[solvable]! - 1;
    const arch = this.#pool.archOf(solvable);
    const groups = this.#pool.groups(solvable, field) ?? [];
    for (let next = 0; next < groups.length; next++) {
      const { places, text } = this.#membersOf(groups[next]!, arch);
      for (let at = 0; at < places.length; at++) if (places[at] !== own) found.push({ to: places[at]!, kind, field, text });
    }
  }

  #membersOf(group: number, arch: string): Members {
    const known = this.#known[this.#pool.architectures.indexOf(arch)]!;
    let members = known.get(group);
    if (members === undefined) known.set(group, (members = this.#find(group, arch)));
    return members;
  }

  #find(group: number, arch: string): Members {
    const targets = this.#pool.targets(group, arch) ?? [];
    const places = targets.map((target) => this.#places[target]! - 1).filter((place) => place >= 0);
    return places.length === 0 ? NOBODY : { places, text: this.#pool.tellGroup(group, arch) };
  }
}

/** Places of members, and the relation that they satisfy, as it is written. */
interface Members {
  readonly places: readonly number[];
  readonly text: string;
}

const NOBODY: Members = { places: [], text: '' };

/** A member that satisfies a relation, as its place in the order of ids. */
interface Satisfied extends Pick<PackageRelation, 'kind' | 'field' | 'text'> {
  readonly to: number;
}

function byPlace(a: Satisfied, b: Satisfied): number {
  return a.to - b.to;
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
