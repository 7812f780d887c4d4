import { isPattern, nearestNames, patternExpression } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { parseEvr } from './evr.js';
import type { PackageGroup } from './comps.js';
import { streamsWith } from './module-filter.js';
import type { ActiveModules, ModuleProblem } from './module-streams.js';
import type { Modules } from './modules.js';
import { EQUAL, rangesMeet } from './relation.js';
import type { RelationTable } from './relation.js';
import type { resolutionError } from './resolve-errors.js';
import type { Pool } from './resolve-pool.js';

/** A package that a seed asks for, and what would satisfy it, the preferred one first. */
export interface Wanted {
  readonly seed: Seed;
  readonly targets: readonly number[];
  /** A default package of a group: it comes when it can. */
  readonly weak: boolean;
}

/** What may be asked for beside packages. */
export interface Collections {
  /** Groups by id. */
  readonly groups: ReadonlyMap<string, PackageGroup>;
  /** Modules, and what requests for them stand for; absent when no repository has any. */
  readonly modules?: Modules & ActiveModules;
}

const NAME = /^([^\s=@/<>()]+)(?:=([^\s/]+))?(?:\/([A-Za-z0-9][\w.-]*))?$/;

/**
 * Finds what seeds ask for: `name`, `name.arch`, `name=version`, `name=version-release`, `name/repository`, `/path/of/file`, anything that
 * packages provide, `@group`, and modules (see `moduleRequest`). A pattern asks for every package whose name it matches, as with dnf.
 *
 * @returns entries in the order of the seeds, several for a pattern, group or module, and a problem for each seed that asks for what is not there.
 */
export function findSeeds(
  seeds: readonly Seed[],
  pool: Pool,
  table: RelationTable,
  { groups, modules }: Collections,
): { readonly wanted: readonly Wanted[]; readonly problems: readonly Problem[] } {
  const wanted: Wanted[] = [];
  const problems: Problem[] = [];
  for (const seed of seeds) {
    const request = seed.request.trim();
    const ofModule = modules?.requests.get(request);
    if (ofModule !== undefined) {
      if ('kind' in ofModule) problems.push(moduleProblem(seed, ofModule));
      else wanted.push(...those(seed, ofModule, false, pool));
      continue;
    }
    if (request.startsWith('@')) {
      const group = groups.get(request.slice(1));
      if (group === undefined) problems.push(unknownGroup(seed, [...groups.keys()]));
      else wanted.push(...membersOfGroup(seed, group, pool));
      continue;
    }
    const found = requestsOf(request, pool)
      .map((each) => findPackages(each, pool, table))
      .filter((targets) => targets.length > 0);
    for (const targets of found) wanted.push({ seed, targets, weak: false });
    if (found.length === 0) problems.push(unknownPackage(seed, request, pool, modules));
  }
  return { wanted, problems };
}

/** Names that a pattern matches, sorted; a request that is none stands for itself. */
function requestsOf(request: string, pool: Pool): readonly string[] {
  if (!isPattern(request) || request.startsWith('/')) return [request];
  const expression = patternExpression([request]);
  return [...new Set(namesOf(pool))].filter((name) => expression.test(name)).sort();
}

function membersOfGroup(seed: Seed, group: PackageGroup, pool: Pool): Wanted[] {
  return [...those(seed, group.mandatory, false, pool), ...those(seed, group.optional, true, pool)];
}

/** As dnf does, a group or profile brings those of its packages that are there. */
function those(seed: Seed, names: readonly string[], weak: boolean, pool: Pool): Wanted[] {
  return names.map((name) => ({ seed, targets: pool.all(name), weak })).filter(({ targets }) => targets.length > 0);
}

function findPackages(request: string, pool: Pool, table: RelationTable): readonly number[] {
  if (request.startsWith('/')) return pool.satisfying(table.relation(request));
  const match = NAME.exec(request);
  if (match === null) return pool.satisfying(table.relation(request));
  const [, name, version, repository] = match as unknown as [string, string, string | undefined, string | undefined];
  const fits = (solvable: number): boolean => {
    if (repository !== undefined && pool.repository(solvable).id !== repository) return false;
    return version === undefined || rangesMeet({ sense: EQUAL, evr: pool.package(solvable).evr }, { sense: EQUAL, evr: parseEvr(version) });
  };
  const named = namedPackages(name, pool).filter(fits);
  if (named.length > 0) return version === undefined ? withReplacements(named, pool) : named;
  return pool
    .satisfying(table.relation(name, version === undefined ? 0 : EQUAL, version === undefined ? undefined : parseEvr(version)))
    .filter(fits);
}

function namedPackages(name: string, pool: Pool): readonly number[] {
  const exact = pool.all(name);
  const dot = name.lastIndexOf('.');
  if (exact.length > 0 || dot < 0) return exact;
  const arch = name.slice(dot + 1);
  return pool.all(name.slice(0, dot)).filter((solvable) => pool.package(solvable).arch === arch);
}

/** Who asks for a package that another replaces gets the other. */
function withReplacements(solvables: readonly number[], pool: Pool): readonly number[] {
  const replacements = solvables.flatMap((solvable) => pool.obsoletersOf(solvable));
  return replacements.length === 0 ? solvables : [...new Set([...replacements, ...solvables])];
}

function unknownPackage(seed: Seed, request: string, pool: Pool, modules: Collections['modules']): Problem {
  const name = NAME.exec(request)?.[1] ?? request;
  const known = pool.all(name).map((solvable) => `${pool.package(solvable).evr.version} (${pool.repository(solvable).id})`);
  if (known.length > 0) {
    return problemOf(seed, 'ICT_RPM_UNKNOWN_VERSION', `there is no "${request}"`, `There is ${name} ${known.join(', ')}.`);
  }
  const streams = modules === undefined ? [] : streamsWith(name, modules, modules.active);
  if (streams.length > 0) {
    const hint = `It is in ${streams.join(', ')}: add that stream, as "${streams[0]!}" or "${streams[0]!}/PROFILE".`;
    return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `"${request}" is only in streams of modules that are not active`, hint);
  }
  const places = pool.repositories.map(({ id }) => id).join(', ');
  const hint =
    meant(nearestNames(name, namesOf(pool))) ??
    `Look for the name in ${places === '' ? 'the repositories' : places}, or add the repository that has it.`;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `no repository has a package "${request}"`, hint);
}

function* namesOf(pool: Pool): Generator<string> {
  for (const solvable of pool.members()) yield pool.name(solvable);
}

function meant(near: readonly string[]): string | undefined {
  return near.length === 0 ? undefined : `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?`;
}

function unknownGroup(seed: Seed, known: readonly string[]): Problem {
  const groups = known.map((id) => `@${id}`);
  const list = groups.length === 0 ? 'The repositories have no groups.' : `There are ${groups.slice(0, 20).join(', ')}.`;
  const hint = meant(nearestNames(seed.request.trim(), groups)) ?? list;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `no repository has a group "${seed.request}"`, hint);
}

function moduleProblem(seed: Seed, { kind, message, hint }: ModuleProblem): Problem {
  return problemOf(seed, kind === 'conflict' ? 'ICT_RPM_MODULE_CONFLICT' : 'ICT_RPM_UNKNOWN_MODULE', message, hint);
}

function problemOf(seed: Seed, code: keyof typeof resolutionError.codes, message: string, hint: string): Problem {
  return { code, message, hint, ...(seed.position === undefined ? {} : { position: seed.position }), because: [] };
}
