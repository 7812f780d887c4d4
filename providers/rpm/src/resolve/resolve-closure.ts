import { answersOf } from '@ict/package-index';
import type { Closure, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import type { Member } from '@ict/solver';
import { compareEvr, formatEvr } from '../relations/evr.js';
import { formatRelation } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { Clauses, Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';
import { isRich } from '../relations/rich.js';
import type { RelationKind } from '../package/tags.js';

/**
 * What was chosen, as the lock has it: sorted by id, each package with the members that satisfy its Requires, and with why it is here:
 * reasons of seeds, and members that need it or, when weak dependencies count, brought it in. The Requires and Recommends behind that come
 * along, as the packages write them, and what was taken for each seed.
 */
export function buildClosure(
  pool: Pool,
  clauses: Clauses,
  members: readonly Member<Reason>[],
  wanted: readonly Wanted[],
  recommends: boolean,
): Closure {
  const ids = identify(members, pool);
  const requires = new Map<number, Set<string>>();
  const requestedBy = new Map<number, Set<string>>(members.map(({ solvable }) => [solvable, new Set()]));
  const chosen = (relation: Relation): readonly number[] => {
    const targets = isRich(relation.name)
      ? (clauses.clausesOfRich(relation.name) ?? []).flatMap(({ some }) => some.flatMap((set) => pool.membersOf(set)))
      : pool.satisfying(relation);
    return targets.filter((target) => ids.has(target));
  };
  const relations = new Map<string, PackageRelation>();
  const satisfying = (solvable: number, kind: PackageRelation['kind'], field: string): ReadonlySet<number> => {
    const from = ids.get(solvable)!;
    const found = new Set<number>();
    for (const relation of pool.package(solvable).relations[kind] ?? []) {
      for (const target of chosen(relation)) {
        if (target === solvable) continue;
        const to = ids.get(target)!;
        const text = formatRelation(relation);
        // A package may need one thing for several scriptlets.
        relations.set(`${from} ${to} ${field} ${text}`, { from, to, kind, field, text });
        found.add(target);
      }
    }
    return found;
  };
  for (const [solvable, id] of ids) {
    const needed = satisfying(solvable, 'requires', 'Requires');
    for (const target of needed) requestedBy.get(target)!.add(id);
    requires.set(solvable, new Set(Array.from(needed, (target) => ids.get(target)!)));
    if (recommends) satisfying(solvable, 'recommends', 'Recommends');
  }
  for (const { solvable, by, reason } of members) {
    if (by !== 0 && isWeak(reason)) requestedBy.get(solvable)!.add(ids.get(by)!);
  }
  const answers: [request: string, id: string][] = [];
  for (const { seed, targets, when } of wanted) {
    if (when !== undefined && !ids.has(when)) continue;
    const taken = targets.find((target) => ids.has(target));
    if (taken === undefined) continue;
    requestedBy.get(taken)!.add(seed.reason);
    answers.push([seed.request, ids.get(taken)!]);
  }
  const packages = members.map(({ solvable }): ResolvedPackage => {
    const { id: repository, index } = pool.repository(solvable);
    const at = pool.placeOf(solvable);
    const { maintainer, homepage, summary, sourceRpm } = index.words(at);
    return {
      ...index.record(at, repository),
      id: ids.get(solvable)!,
      requires: [...requires.get(solvable)!].sort(),
      requestedBy: [...requestedBy.get(solvable)!].sort(),
      ...sourceOf(sourceRpm),
      ...(maintainer === '' ? {} : { maintainer }),
      ...(homepage === '' ? {} : { homepage }),
      ...(summary === '' ? {} : { summary }),
    };
  });
  const sorted = [...relations].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, relation]) => relation);
  return { packages: packages.sort((a, b) => (a.id < b.id ? -1 : 1)), relations: sorted, answers: answersOf(answers) };
}

/**
 * Ids of the members: `name:arch` for the highest version, which is nearly always the only one, and `name:arch=version` for others beside it.
 * So a version that comes or goes changes no other id.
 */
function identify(members: readonly Member<Reason>[], pool: Pool): ReadonlyMap<number, string> {
  const ofName = Map.groupBy(
    members.map(({ solvable }) => ({ solvable, pkg: pool.package(solvable) })),
    ({ pkg: { name, arch } }) => `${name}:${arch}`,
  );
  const ids = new Map<number, string>();
  for (const [id, versions] of ofName) {
    versions.sort((a, b) => compareEvr(b.pkg.evr, a.pkg.evr));
    for (const [at, { solvable, pkg }] of versions.entries()) ids.set(solvable, at === 0 ? id : `${id}=${formatEvr(pkg.evr)}`);
  }
  return ids;
}

const WEAK: readonly RelationKind[] = ['recommends', 'supplements'];

function isWeak(reason: Reason): boolean {
  return reason.kind === 'relation' && WEAK.includes(reason.field);
}

/** `name-version-release.src.rpm` taken apart. */
export function sourceOf(file: string): { readonly source?: { readonly name: string; readonly version: string } } {
  const match = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(file);
  return match === null ? {} : { source: { name: match[1]!, version: match[2]! } };
}
