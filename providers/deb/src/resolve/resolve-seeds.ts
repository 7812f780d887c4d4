import { askedBy, askIfMeant, isPattern, nearestNames, patternExpression, tellOmission, tellRepairs } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { nameOnly } from '../relations/relation.js';
import type { resolutionError } from './resolve-errors.js';
import { Pool } from './resolve-pool.js';
import { successorsOf } from './resolve-successors.js';
import { suiteNeeds } from './resolve-suite-needs.js';
import { repairOf, tellWithheld, withheldOf } from './resolve-withheld.js';
import type { Withheld } from './resolve-withheld.js';
import { compareDebVersions } from '../relations/version.js';

/** A seed and the packages that would satisfy it, the preferred one first. */
export interface Wanted {
  readonly seed: Seed;
  readonly targets: readonly number[];
  /** The name stands only for what provides it. */
  readonly virtual: boolean;
}

/** A seed taken apart: `name`, `name=version`, `name/suite`, each also as `name:arch`; name and version may be patterns. */
interface SeedParts {
  readonly name: string;
  /** Debian's name; undefined when the request leaves it open. */
  readonly arch: string | undefined;
  readonly version: string | undefined;
  readonly suite: string | undefined;
}

/** What `name:` may be followed by to mean the native architecture. */
const NATIVE: readonly string[] = ['native', 'any', 'all'];

/** A pattern of names, and an architecture. */
const PATTERN = /^(.*?)(?::([a-z0-9-]+))?$/;

const SEED = /^([A-Za-z0-9][A-Za-z0-9+._-]*)(?::([a-z0-9-]+))?(?:=([A-Za-z0-9.+~:*?-]+)|\/([A-Za-z0-9][A-Za-z0-9._/-]*))?$/;

/**
 * Finds what the seeds ask for. Seeds with a version or suite change what the pool offers, so all are read before any is looked up.
 * A pattern asks for every package whose name it matches, as with apt.
 *
 * @param recommends whether Recommends count.
 * @returns one entry a seed that could be found, in order, several for a pattern, and a problem for each other.
 */
export function findSeeds(
  seeds: readonly Seed[],
  pool: Pool,
  recommends: boolean,
): { readonly wanted: readonly Wanted[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const pinned = new Map<Seed, number>();
  const readable: { seed: Seed; parts: SeedParts }[] = [];
  for (const seed of seeds) {
    if (isPattern(seed.request.replace(/=.*$/, ''))) {
      const [, pattern = '', asked] = PATTERN.exec(seed.request.trim())!;
      const problem = foreign(seed, asked, pool);
      const names = problem === undefined ? namesLike(pattern, asked, pool) : [];
      if (names.length === 0) problems.push(problem ?? unknownPackage(seed, seed.request, pool));
      for (const name of names) readable.push({ seed, parts: { name, arch: asked, version: undefined, suite: undefined } });
      continue;
    }
    const parts = parseSeed(seed.request);
    const problem = parts === undefined ? unreadable(seed) : (foreign(seed, parts.arch, pool) ?? pinSeed(seed, parts, pool, pinned));
    if (problem !== undefined) problems.push(problem);
    else if (parts !== undefined) readable.push({ seed, parts });
  }
  const ofSuites = readable.filter(({ parts }) => parts.suite !== undefined).map(({ seed }) => pinned.get(seed)!);
  if (ofSuites.length > 0) {
    const candidates = new Pool(pool.repositories, pool.arch, [], pool.architectures.slice(1));
    for (const [seed, solvable] of pinned) candidates.pin(solvable, seed);
    for (const solvable of suiteNeeds(ofSuites, candidates, recommends)) pool.offerBeside(solvable);
  }
  const wanted: Wanted[] = [];
  for (const { seed, parts } of readable) {
    const solvable = pinned.get(seed);
    const arch = architectureOf(parts, pool);
    const real = solvable === undefined ? pool.offered(parts.name, arch) : [solvable];
    const targets = real.length > 0 ? real : pool.favouredFirst(pool.satisfying(nameOnly(parts.name), arch));
    if (targets.length > 0) wanted.push({ seed, targets, virtual: real.length === 0 });
    else problems.push(unknownPackage(seed, parts.name, pool, parts.arch && arch));
  }
  return { wanted, problems };
}

function parseSeed(request: string): SeedParts | undefined {
  const match = SEED.exec(request.trim());
  return match === null ? undefined : { name: match[1]!, arch: match[2], version: match[3], suite: match[4] };
}

/** Names of packages that are there, for an architecture or for any, and match a pattern, sorted. */
function namesLike(pattern: string, asked: string | undefined, pool: Pool): readonly string[] {
  const expression = patternExpression([pattern]);
  const isThere = (name: string): boolean => pool.all(name, architectureOf({ name, arch: asked }, pool)).length > 0;
  return [...new Set(namesOf(pool))].filter((name) => expression.test(name) && isThere(name)).sort();
}

/** The architecture that a seed means: what it says, else the native one, or another that alone has such a package. */
function architectureOf({ name, arch }: Pick<SeedParts, 'name' | 'arch'>, pool: Pool): string {
  if (arch === undefined) return pool.preferredArchitecture(name);
  return NATIVE.includes(arch) ? pool.arch : arch;
}

/** Says so when a seed asks for an architecture that the image does not have. */
function foreign(seed: Seed, arch: string | undefined, pool: Pool): Problem | undefined {
  if (arch === undefined || NATIVE.includes(arch) || pool.architectures.includes(arch)) return undefined;
  return problemOf(
    seed,
    'ICT_DEB_UNKNOWN_PACKAGE',
    `"${seed.request}" asks for architecture ${arch}; the image has ${pool.architectures.join(', ')} only`,
    `Leave out the architecture, or name ${arch} under target.foreignArchitectures (without a template: --foreign-arch ${arch}).`,
  );
}

/** Makes the pool offer what a seed names exactly. */
function pinSeed(seed: Seed, parts: SeedParts, pool: Pool, pinned: Map<Seed, number>): Problem | undefined {
  const { name, version, suite } = parts;
  if (version === undefined && suite === undefined) return undefined;
  const arch = architectureOf(parts, pool);
  const all = pool.all(name, arch);
  if (all.length === 0) return unknownPackage(seed, name, pool, parts.arch && arch);
  const solvable =
    version === undefined ? all.find((each) => pool.repository(each).suites.includes(suite!)) : ofVersion(all, version, pool);
  if (solvable === undefined) return unknownVersion(seed, parts, all, arch, pool);
  pool.pin(solvable, seed);
  pinned.set(seed, solvable);
  return undefined;
}

/** Says why what a seed names exactly cannot be had: it is withheld, the suite is not there at all, or just has no such package. */
function unknownVersion(seed: Seed, { name, version, suite }: SeedParts, all: readonly number[], arch: string, pool: Pool): Problem {
  const kept = withheldOf(name, arch, pool).find((each) =>
    version === undefined ? each.suites.includes(suite!) : patternExpression([version]).test(each.version),
  );
  if (kept !== undefined) return withheldProblem(seed, [kept]);
  const byVersion = Map.groupBy(all, (each) => pool.version(each));
  const known = Array.from(byVersion, ([each, solvables]) => `${each} (${solvables.map((one) => pool.repository(one).id).join(', ')})`);
  const there = `There is ${known.join(', ')}.`;
  if (version !== undefined) return problemOf(seed, 'ICT_DEB_UNKNOWN_VERSION', `there is no ${name} version ${version}`, there);
  if (pool.repositories.some(({ suites }) => suites.includes(suite!))) {
    return problemOf(seed, 'ICT_DEB_UNKNOWN_VERSION', `there is no ${name} in suite ${suite}`, there);
  }
  const suites = [...new Set(pool.repositories.flatMap((repository) => repository.suites.slice(0, 1)))].join(', ');
  const hint = `There is ${suites}. Add a repository of ${suite} under packageRepositories, or leave "/${suite}" out.`;
  return problemOf(seed, 'ICT_DEB_UNKNOWN_VERSION', `"${seed.request}" asks for suite ${suite}, which no repository is of`, hint);
}

/** The package of a version, the one that comes first where several have it; of a pattern the highest version, as with apt. */
function ofVersion(all: readonly number[], version: string, pool: Pool): number | undefined {
  if (!isPattern(version)) return all.find((each) => compareDebVersions(pool.version(each), version) === 0);
  const expression = patternExpression([version]);
  return all
    .filter((each) => expression.test(pool.version(each)))
    .reduce<number | undefined>((best, each) => {
      return best !== undefined && compareDebVersions(pool.version(best), pool.version(each)) >= 0 ? best : each;
    }, undefined);
}

function unknownPackage(seed: Seed, name: string, pool: Pool, arch?: string): Problem {
  const kept = withheldOf(name, arch ?? pool.arch, pool);
  if (kept.length > 0) return withheldProblem(seed, kept);
  const elsewhere = pool.offeredAnywhere(name)[0];
  if (arch !== undefined && elsewhere !== undefined) {
    const hint = `There is ${pool.id(elsewhere)}.`;
    return problemOf(seed, 'ICT_DEB_UNKNOWN_PACKAGE', `no repository has a package "${name}" for ${arch}${askedBy(seed)}`, hint);
  }
  const successors = successorsOf(name, pool);
  if (successors.length > 0) {
    const hint = `Ask for what replaces it: ${successors.map((each) => `"${each}"`).join(' or ')}.`;
    return problemOf(seed, 'ICT_DEB_UNKNOWN_PACKAGE', `no repository has a package "${name}"${askedBy(seed, ' any more')}`, hint);
  }
  const places = pool.repositories.map(({ id }) => id).join(', ');
  const hint =
    askIfMeant(nearestNames(name, namesOf(pool))) ??
    `Look for the name in ${places === '' ? 'the repositories' : places}, or add the repository that has it.`;
  return problemOf(seed, 'ICT_DEB_UNKNOWN_PACKAGE', `no repository has a package "${name}"${askedBy(seed)}`, hint);
}

function withheldProblem(seed: Seed, kept: readonly Withheld[]): Problem {
  const [first] = kept as [Withheld];
  const message = `"${seed.request}"${askedBy(seed, ` may not be installed: ${tellWithheld(first)}`)}`;
  const omission = tellOmission(seed);
  const hint = tellRepairs([repairOf(first), ...(omission === undefined ? [] : [omission])]);
  return {
    ...problemOf(seed, 'ICT_DEB_PACKAGE_WITHHELD', message, hint),
    because: kept.slice(1).map(tellWithheld),
  };
}

function* namesOf(pool: Pool): Generator<string> {
  for (let repository = 0; repository < pool.repositories.length; repository++) {
    for (const solvable of pool.members(repository)) yield pool.name(solvable);
  }
}

function unreadable(seed: Seed): Problem {
  return problemOf(
    seed,
    'ICT_DEB_UNKNOWN_PACKAGE',
    `"${seed.request}" is not a package`,
    'Write name, name=version, name/suite or a pattern.',
  );
}

function problemOf(seed: Seed, code: keyof typeof resolutionError.codes, message: string, hint: string): Problem {
  return { code, message, hint, ...(seed.position === undefined ? {} : { position: seed.position }), because: [] };
}
