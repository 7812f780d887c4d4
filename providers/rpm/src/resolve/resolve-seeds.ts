import { isPattern, patternExpression } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { parseEvr } from '../relations/evr.js';
import type { Comps } from '../metadata/comps.js';
import type { ActiveModules } from '../metadata/module-streams.js';
import type { Modules } from '../metadata/modules.js';
import { EQUAL, rangesMeet } from '../relations/relation.js';
import type { RelationTable } from '../relations/relation.js';
import { findGroups, membersOfGroups } from './resolve-groups.js';
import type { Pool } from './resolve-pool.js';
import { moduleProblem, unknownGroup, unknownPackage } from './resolve-unknown.js';
import type { RequestParts } from './resolve-unknown.js';
import type { StreamRepair } from './stream-repairs.js';

/** A package that a seed asks for, and what would satisfy it, the preferred one first. */
export interface Wanted {
  readonly seed: Seed;
  readonly targets: readonly number[];
  /** A conditional package of a group: it is asked for where this package is taken. */
  readonly when?: number;
}

/** What may be asked for beside packages. */
export interface Collections {
  /** Groups and environments. */
  readonly comps: Comps;
  /** Modules, and what requests for them stand for; absent when no repository has any. */
  readonly modules?: Modules & ActiveModules;
}

const NAME = /^([^\s=@/<>()]+)(?:=([^\s/]+))?(?:\/([A-Za-z0-9][\w.-]*))?$/;

/**
 * Finds what seeds ask for: `name`, `name.arch`, `name=version`, `name=version-release`, `name/repository`, `/path/of/file`, anything that
 * packages provide, `@group` and `@environment` (see `findGroups`), and modules (see `moduleRequest`). A pattern asks for every package whose name it matches, as with dnf.
 *
 * @param repairStream for hints; without it none speaks of streams.
 * @returns entries in the order of the seeds, several for a pattern, group or module, and a problem for each seed that asks for what is not there.
 */
export function findSeeds(
  seeds: readonly Seed[],
  pool: Pool,
  table: RelationTable,
  { comps, modules }: Collections,
  repairStream: StreamRepair = () => undefined,
): { readonly wanted: readonly Wanted[]; readonly problems: readonly Problem[] } {
  const wanted: Wanted[] = [];
  const problems: Problem[] = [];
  for (const seed of seeds) {
    const request = seed.request.trim();
    const ofModule = modules?.requests.get(request);
    if (ofModule !== undefined) {
      if ('kind' in ofModule) problems.push(moduleProblem(seed, ofModule));
      else wanted.push(...ofModule.map((name) => ({ seed, targets: pool.all(name) })).filter(isThere));
      continue;
    }
    const groups = request.startsWith('@') ? findGroups(request.slice(1), comps) : undefined;
    if (groups !== undefined) {
      wanted.push(...membersOfGroups(seed, groups, pool, table));
      continue;
    }
    if (request.startsWith('@') && !request.includes(':')) {
      problems.push(unknownGroup(seed, comps));
      continue;
    }
    const found = requestsOf(request, pool)
      .map((each) => findPackages(each, pool, table))
      .filter((targets) => targets.length > 0);
    for (const targets of found) wanted.push({ seed, targets });
    if (found.length > 0) continue;
    const tryStream = (stream: string): string | undefined =>
      repairStream(stream, seeds.filter((each) => each === seed || each.reason === 'essential')); // prettier-ignore
    problems.push(nothingFor(seed, request, pool, modules, tryStream));
  }
  return { wanted, problems };
}

function nothingFor(
  seed: Seed,
  request: string,
  pool: Pool,
  modules: Collections['modules'],
  tryStream: (stream: string) => string | undefined,
): Problem {
  const parts = partsOf(request);
  return unknownPackage(seed, parts, (solvable) => parts === undefined || fits(solvable, parts, pool), pool, modules, tryStream);
}

/** Names that a pattern matches, sorted; a request that is none stands for itself. */
function requestsOf(request: string, pool: Pool): readonly string[] {
  if (!isPattern(request) || request.startsWith('/')) return [request];
  const expression = patternExpression([request]);
  return [...new Set(Array.from(pool.members(), (solvable) => pool.name(solvable)))].filter((name) => expression.test(name)).sort();
}

function isThere({ targets }: Wanted): boolean {
  return targets.length > 0;
}

function findPackages(request: string, pool: Pool, table: RelationTable): readonly number[] {
  if (request.startsWith('/')) return pool.satisfying(table.relation(request));
  const parts = partsOf(request);
  if (parts === undefined) return pool.satisfying(table.relation(request));
  const { name, version } = parts;
  const named = namedPackages(name, pool).filter((solvable) => fits(solvable, parts, pool));
  if (named.length > 0) return version === undefined ? pool.withReplacements(named) : named;
  return pool
    .satisfying(table.relation(name, version === undefined ? 0 : EQUAL, version === undefined ? undefined : parseEvr(version)))
    .filter((solvable) => fits(solvable, parts, pool));
}

/** The packages that a request means by version or repository, the preferred one first; none for any other request. */
export function findExact(request: string, pool: Pool): readonly number[] {
  const parts = isPattern(request) ? undefined : partsOf(request);
  if (parts === undefined || (parts.version === undefined && parts.repository === undefined)) return [];
  return namedPackages(parts.name, pool).filter((solvable) => fits(solvable, parts, pool));
}

/** @returns undefined for a request that is no name: a path, or what packages provide. */
function partsOf(request: string): RequestParts | undefined {
  const match = NAME.exec(request);
  return match === null ? undefined : { name: match[1]!, version: match[2], repository: match[3] };
}

/** Whether a package is of the version and repository that are asked for. */
function fits(solvable: number, { version, repository }: RequestParts, pool: Pool): boolean {
  if (repository !== undefined && pool.repository(solvable).id !== repository) return false;
  return version === undefined || rangesMeet({ sense: EQUAL, evr: pool.package(solvable).evr }, { sense: EQUAL, evr: parseEvr(version) });
}

function namedPackages(name: string, pool: Pool): readonly number[] {
  const exact = pool.all(name);
  const dot = name.lastIndexOf('.');
  if (exact.length > 0 || dot < 0) return exact;
  const arch = name.slice(dot + 1);
  return pool.all(name.slice(0, dot)).filter((solvable) => pool.package(solvable).arch === arch);
}
