import { tellFiltered } from '@ict/package-index';
import type { Relation } from '../relations/relation.js';
import type { PoolRepository } from './resolve-solvables.js';
import type { Pool } from './resolve-pool.js';
import { compareDebVersions, satisfiesVersion } from '../relations/version.js';

/** A package that a repository has and that may not be taken. */
export interface Withheld {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** Id of the repository. */
  readonly repository: string;
  /** What counts as another name of the repository for `name/suite`. */
  readonly suites: readonly string[];
  /** Why, as the end of a sentence about the package. */
  readonly because: string;
}

/** Packages of a name and an architecture that the template keeps out, by the lists of a repository or by a priority below 0: the newest first. */
export function withheldOf(name: string, arch: string, pool: Pool): readonly Withheld[] {
  const kept = pool.repositories.flatMap((repository) => {
    const { id, index, suites } = repository;
    return Array.from(index.byName(name))
      .filter((at) => index.arch(at) === arch || (index.arch(at) === 'all' && arch === pool.arch))
      .flatMap((at) => {
        const version = index.version(at);
        const because = reasonOf(name, version, repository);
        return because === undefined ? [] : [{ name, version, arch: index.arch(at), repository: id, suites, because }];
      });
  });
  return kept.toSorted((a, b) => compareDebVersions(b.version, a.version));
}

/** The withheld packages that would satisfy a relation of a package of `arch`. */
export function withheldFor({ name, operator, version }: Relation, arch: string, pool: Pool): readonly Withheld[] {
  const all = withheldOf(name, arch, pool);
  return operator === undefined || version === undefined ? all : all.filter((each) => satisfiesVersion(each.version, operator, version));
}

/** `nginx 1.26.3-3 is not taken: a pin gives it priority -1`. */
export function tellWithheld({ name, version, because }: Withheld): string {
  return `${name} ${version} is not taken: ${because}`;
}

/** What would let it in, as an order to the user. */
export function repairOf({ name, version }: Withheld): string {
  return `let ${name} ${version} be taken`;
}

function reasonOf(name: string, version: string, repository: PoolRepository): string | undefined {
  const { id, pins, priority } = repository;
  const filtered = tellFiltered(name, repository, id);
  if (filtered !== undefined) return filtered;
  const pinned = pins?.(name, version);
  if (pinned !== undefined) return pinned < 0 ? `"packagePins" give it priority ${pinned} in repository "${id}"` : undefined;
  return priority < 0 ? `repository "${id}" has priority ${priority}` : undefined;
}
