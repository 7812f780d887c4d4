import { findRepairs } from '@ict/package-index';
import type { Contradiction, OtherRequest, Trial } from '@ict/package-index';
import type { Seed } from '@ict/plugin-api';
import type { OwnedClause } from '@ict/solver';
import { formatGroup } from '../relations/relation.js';
import { notOffered } from './explain.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import { repairOf, withheldFor } from './resolve-withheld.js';

/** Other versions that are tried. */
const MAX_VERSIONS = 6;

/**
 * What would mend a contradiction: another version of a package, a wish left out, and what cannot be tried, a package that is let in or
 * another repository.
 */
export function repairsOf(core: readonly OwnedClause<Reason>[], contradiction: Contradiction, pool: Pool, trial: Trial): readonly string[] {
  return findRepairs(otherVersions(core, pool), contradiction, trial, additionsFor(core, pool));
}

/** What cannot be tried: a package that is let in, or another repository. */
export function additionsFor(core: readonly OwnedClause<Reason>[], pool: Pool): readonly string[] {
  return core.flatMap(({ by, kind, targets, reason }) => {
    if (kind !== 'requires' || targets.length > 0 || reason.kind !== 'relation') return [];
    const arch = pool.archOf(by);
    const [kept] = reason.group.flatMap((relation) => withheldFor(relation, arch, pool));
    if (kept !== undefined) return [repairOf(kept)];
    const isThere = reason.group.some((relation) => notOffered(relation, arch, pool).length > 0);
    return isThere ? [] : [`add a repository that has ${formatGroup(reason.group)}`];
  });
}

/** Seeds that keep out what a contradiction needs, because they ask for another version of it. */
export function pinnersIn(core: readonly OwnedClause<Reason>[], pool: Pool): readonly Seed[] {
  const names = core.flatMap(({ reason }) => (reason.kind === 'relation' ? reason.group.map(({ name }) => name) : []));
  return [...new Set(names.flatMap((name) => pool.architectures.flatMap((arch) => pool.pinnersOf(name, arch))))];
}

/** Requests for packages of the contradiction in versions that are there and not offered, the preferred ones first. */
function otherVersions(core: readonly OwnedClause<Reason>[], pool: Pool): readonly OtherRequest[] {
  const names = new Set<string>();
  for (const { by, targets, reason } of core) {
    if (by !== 0) names.add(pool.name(by));
    for (const target of targets) names.add(pool.name(target));
    if (reason.kind === 'relation') for (const { name } of reason.group) names.add(name);
  }
  const found = new Map<string, OtherRequest>();
  for (const name of names) {
    for (const arch of pool.architectures) {
      const offered = pool.offered(name, arch).map((each) => pool.version(each));
      for (const solvable of pool.all(name, arch)) {
        if (offered.includes(pool.version(solvable))) continue;
        const title = pool.title(solvable);
        const request = `${title}=${pool.version(solvable)}`;
        found.set(request, { request, replaces: (seed) => seed.request.replace(/[=/].*$/, '') === title });
      }
    }
  }
  return [...found.values()].slice(0, MAX_VERSIONS);
}
