import { answersOf } from '@ict/package-index';
import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

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
  const places = new Uint32Array(pool.count + 1);
  solvables.forEach((solvable, place) => (places[solvable] = place + 1));
  const satisfiersOf = pool.satisfiers(places, recommends);
  const texts = new GroupTexts(pool);

  /** By place: ids, and reasons of seeds, in order. */
  const requestedBy: string[][] = ids.map(() => []);
  const requires: (readonly string[])[] = [];
  const relations: PackageRelation[] = [];
  const answers: [request: string, id: string][] = [];
  for (let place = 0; place < ids.length; place++) requires.push(relate(place));
  for (const { seed, targets } of wanted) {
    const chosen = targets.find((target) => places[target]! > 0);
    if (chosen === undefined) continue;
    const place = places[chosen]! - 1;
    requestedBy[place] = [...new Set([...requestedBy[place]!, seed.reason])].sort();
    answers.push([seed.request, ids[place]!]);
  }
  return { packages: solvables.map(describe), relations, answers: answersOf(answers) };

  /** Notes what a member needs and, when Recommends count, recommends. @returns ids of what it needs. */
  function relate(place: number): readonly string[] {
    const solvable = solvables[place]!;
    const from = ids[place]!;
    const arch = pool.archOf(solvable);
    const found = satisfiersOf(solvable);
    const needed: string[] = [];
    let [last, lastNeeded] = [-1, -1];
    for (let at = 0; at < found.length; at += 3) {
      const to = found[at]!;
      const field = RELATION_FIELDS[found[at + 1]!]!;
      const kind = field === 'Recommends' ? 'recommends' : 'requires';
      if (kind === 'requires' && to !== lastNeeded) needed.push(ids[(lastNeeded = to)]!);
      if (to !== last) requestedBy[(last = to)]!.push(from);
      relations.push({ from, to: ids[to]!, kind, field, text: texts.of(found[at + 2]!, arch) });
    }
    return needed;
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
      requestedBy: requestedBy[place]!,
      source: index.source(at),
      ...(maintainer === undefined ? {} : { maintainer }),
      ...(homepage === undefined ? {} : { homepage }),
      ...(summary === undefined ? {} : { summary }),
    };
  }
}

/** Groups as they are written: many packages share one. */
class GroupTexts {
  readonly #pool: Pool;
  readonly #known = new Map<string, Map<number, string>>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  of(group: number, arch: string): string {
    let known = this.#known.get(arch);
    if (known === undefined) this.#known.set(arch, (known = new Map()));
    let text = known.get(group);
    if (text === undefined) known.set(group, (text = this.#pool.tellGroup(group, arch)));
    return text;
  }
}
