import { findRepairs, inSentence } from '@ict/package-index';
import type { Contradiction, OtherRequest, Trial } from '@ict/package-index';
import type { OwnedClause } from '@ict/solver';
import { missingIn, partsOf } from './explain.js';
import { formatRelation } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { Clauses, Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import { withheldOf } from './resolve-withheld.js';
import { rpmlibFeature } from '../relations/rpmlib.js';
import type { StreamRepair } from './stream-repairs.js';

/**
 * What would mend a contradiction: a stream of a module, a request for a package in any version, a wish left out, and what cannot be tried, a
 * package that is let in or another repository.
 */
export function repairsOf(
  core: readonly OwnedClause<Reason>[],
  contradiction: Contradiction,
  pool: Pool,
  clauses: Clauses,
  trial: Trial,
  repairStream: StreamRepair,
): readonly string[] {
  const tried: string[] = [];
  const additions = missingIn(core).flatMap(({ field, relation }) => {
    const parts = partsOf(relation, clauses, field);
    const missing = parts.filter((part) => pool.satisfying(part).length === 0);
    const kept = missing.flatMap((part) => withheldOf(part.name, pool).filter(({ solvable }) => pool.satisfies(solvable, part)));
    const streams = kept.flatMap(({ repair }) => (typeof repair === 'string' ? [] : repair.streams));
    tried.push(...new Set(streams.flatMap((stream) => repairStream(stream, contradiction.involved) ?? [])));
    if (kept.length > 0) return kept.flatMap(({ repair }) => (typeof repair === 'string' ? [repair] : []));
    // What cannot be read is no matter of repositories.
    return parts.length === 0 ? [] : wantedOf(relation, missing, clauses);
  });
  return findRepairs(openRequests(contradiction), contradiction, trial, additions, tried);
}

/**
 * What another repository would have to have; nothing for what no repository can have.
 *
 * @param missing parts of the relation that nothing satisfies; none when it is only that nothing satisfies all of them.
 */
function wantedOf(relation: Relation, missing: readonly Relation[], clauses: Clauses): readonly string[] {
  if (rpmlibFeature(relation.name) !== undefined) return [];
  const word = clauses.parsed(relation.name)?.kind === 'and' ? 'and' : 'or';
  return [`add a repository that has ${missing.length === 0 ? formatRelation(relation) : inSentence(missing.map(formatRelation), word)}`];
}

/** The requests for one version or repository, without these. */
function openRequests({ involved }: Contradiction): readonly OtherRequest[] {
  return involved.flatMap(({ request }) => {
    const [, name, only] = /^([^\s=/]+)([=/].*)$/.exec(request.trim()) ?? [];
    if (name === undefined || only === undefined) return [];
    return [{ request: name, replaces: (seed) => seed.request === request }];
  });
}
