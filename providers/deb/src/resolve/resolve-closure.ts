import { answersOf } from '@ict/package-index';
import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import type { Reason } from './resolve-clauses.js';
import type { MemberRelations, Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * What was chosen, as the lock has it: sorted by id, each package with the members that satisfy its Depends and Pre-Depends, and with
 * why it is here: reasons of seeds, and members that need it or, when Recommends count, recommend it. The relations behind that come
 * along, as the packages write them, and what was taken for each seed.
 *
 * @throws `ICT_DEB_INDEX_INVALID` when the index gives a chosen package a value that cannot be trusted.
 */
export function buildClosure(pool: Pool, members: readonly Member<Reason>[], wanted: readonly Wanted[], recommends: boolean): Closure {
  const solvableOf = new Map<string, number>();
  members.forEach(({ solvable }) => solvableOf.set(pool.id(solvable), solvable));
  const ids = [...solvableOf.keys()].sort();
  const solvables = ids.map((id) => solvableOf.get(id)!);
  const related = pool.relate(solvables, recommends);
  const relations = relationsAmong(ids, related);
  const requires = listsOf(ids, related.needing, related.needed);
  const requiredBy = listsOf(ids, related.asked, related.asking);
  /** By id: reasons of seeds. */
  const reasons = new Map<string, string[]>();
  const answers: [request: string, id: string][] = [];
  for (const { seed, targets } of wanted) {
    const chosen = targets.find((target) => solvableOf.get(pool.id(target)) === target);
    if (chosen === undefined) continue;
    const id = pool.id(chosen);
    reasons.set(id, [...(reasons.get(id) ?? []), seed.reason]);
    answers.push([seed.request, id]);
  }
  return { packages: solvables.map(describe), relations, answers: answersOf(answers) };

  function describe(solvable: number, place: number): ResolvedPackage {
    const index = pool.indexOf(solvable);
    const at = pool.rowOf(solvable);
    const own = reasons.get(ids[place]!);
    const described: Writable<ResolvedPackage> = {
      ...index.record(at, pool.repository(solvable).id),
      id: ids[place]!,
      requires: requires[place]!,
      requestedBy: own === undefined ? requiredBy[place]! : [...new Set([...requiredBy[place]!, ...own])].sort(),
      source: index.source(at),
    };
    const maintainer = index.field(at, 'maintainer');
    const homepage = index.field(at, 'homepage');
    const summary = index.summary(at);
    // An object for each that is there, to be spread, would be most of what the answer leaves behind.
    if (maintainer !== undefined) described.maintainer = maintainer;
    if (homepage !== undefined) described.homepage = homepage;
    if (summary !== undefined) described.summary = summary;
    return described;
  }
}

function relationsAmong(ids: readonly string[], { relations, texts }: MemberRelations): readonly PackageRelation[] {
  return Array.from({ length: relations.length / 4 }, (_, at) => {
    const field = RELATION_FIELDS[relations[4 * at + 2]!]!;
    return {
      from: ids[relations[4 * at]!]!,
      to: ids[relations[4 * at + 1]!]!,
      kind: field === 'Recommends' ? 'recommends' : 'requires',
      field,
      text: texts[relations[4 * at + 3]!]!,
    };
  });
}

/**
 * By place of a member: ids of the others that it stands beside in pairs. Each list is made as long as it gets, because one that grows takes room for sixteen more, and of
 * most lists that is the larger part.
 */
function listsOf(ids: readonly string[], members: Uint32Array, others: Uint32Array): string[][] {
  const sizes = new Uint32Array(ids.length);
  members.forEach((member) => sizes[member]!++);
  const lists = ids.map((_, member) => new Array<string>(sizes[member]!));
  sizes.fill(0);
  members.forEach((member, at) => {
    lists[member]![sizes[member]!++] = ids[others[at]!]!;
  });
  return lists;
}
