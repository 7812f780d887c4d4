import { askedBy, askIfMeant, inSentence, nearestNames, OTHER_REPOSITORIES, tellOmission, tellRepairs } from '@ict/package-index';
import type { Problem, Seed } from '@ict/plugin-api';
import { architecturesFor, isArchitecture } from '../architecture.js';
import type { Comps } from '../metadata/comps.js';
import type { ModuleProblem } from '../metadata/module-streams.js';
import type { Modules } from '../metadata/modules.js';
import type { resolutionError } from './resolve-errors.js';
import type { Pool } from './resolve-pool.js';
import { label, repairsFor, tellWithheld, withheldOf } from './resolve-withheld.js';
import type { Withheld } from './resolve-withheld.js';

type TryStream = (stream: string) => string | undefined;

/** A request taken apart. */
export interface RequestParts {
  readonly name: string;
  readonly version: string | undefined;
  readonly repository: string | undefined;
}

/**
 * Says why there is nothing for a request: it is kept out, or not there in this version, repository or architecture, or something replaces it,
 * or the name is unknown.
 *
 * @param parts undefined for a request that is no name, such as a path.
 * @param fits whether a package is of the version and repository that are asked for.
 * @param modules of the repositories.
 * @param tryStream how a stream of a module can be asked for; undefined when that does not help.
 */
export function unknownPackage(
  seed: Seed,
  parts: RequestParts | undefined,
  fits: (solvable: number) => boolean,
  pool: Pool,
  modules: Pick<Modules, 'builds'> = { builds: [] },
  tryStream: TryStream = () => undefined,
): Problem {
  const request = seed.request.trim();
  const name = parts?.name ?? request;
  const kept = withheldOf(name, pool).filter(({ solvable }) => fits(solvable));
  if (kept.length > 0) return withheldProblem(seed, kept, pool, tryStream);
  const known = pool.all(name);
  if (parts !== undefined && known.length > 0) return unknownVersion(seed, parts, known, pool);
  const elsewhere = ofOtherArchitecture(seed, name, pool, tryStream);
  if (elsewhere !== undefined) return elsewhere;
  const module = /^@?([\w.+-]+):[\w.+-]+(?:\/[\w.+-]+)?$/.exec(request)?.[1];
  const versioned = versionOfNevra(request, pool);
  // An epoch looks like the stream of a module.
  if (module !== undefined && versioned === undefined) return unknownModule(seed, module, modules);
  const what = request.startsWith('/') ? `package with the file "${request}"` : `package "${request}"`;
  const missing = `no repository has a ${what}`;
  const replacing = pool.replacing(name);
  if (replacing.length > 0) {
    const hint = `Ask for what replaces it: ${replacing.map((each) => `"${each}"`).join(' or ')}.`;
    return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `${missing}${askedBy(seed, ' any more')}`, hint);
  }
  const places = pool.repositories.map(({ id }) => id).join(', ');
  const hint =
    askIfMeant(versioned === undefined ? nearestNames(name, namesOf(pool)) : [versioned]) ??
    `Look for the name in ${places === '' ? 'the repositories' : places}, or add the repository that has it.`;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `${missing}${askedBy(seed)}`, hint);
}

/**
 * A package with its version as dnf takes it, `bash-5.2` or `bash-5.2-1.x86_64`, in the words of a template: `bash=5.2`, `bash.x86_64=5.2-1`.
 *
 * @returns undefined when no package has the name.
 */
function versionOfNevra(request: string, pool: Pool): string | undefined {
  const [, nevr = request, suffix] = /^(.*)\.([^.]+)$/.exec(request) ?? [];
  const arch = suffix !== undefined && isArchitecture(suffix) ? `.${suffix}` : '';
  for (const form of [/^(.+)-(\d[^-]*-[^-]+)$/, /^(.+)-(\d[^-]*)$/]) {
    const [, name, version] = form.exec(arch === '' ? request : nevr) ?? [];
    if (name !== undefined && pool.all(name).length > 0) return `${name}${arch}=${version}`;
  }
  return undefined;
}

export function unknownGroup(seed: Seed, { groups, environments }: Comps): Problem {
  const all = [...groups.values(), ...environments.values()];
  const ids = [...new Set(all.map(({ id }) => `@${id}`))];
  const names = new Set([...ids, ...all.map(({ name }) => `@${name}`)]);
  const list = ids.length === 0 ? 'The repositories have no groups.' : `There are ${ids.slice(0, 20).join(', ')}.`;
  const hint = askIfMeant(nearestNames(seed.request.trim(), names)) ?? list;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_PACKAGE', `no repository has a group "${seed.request}"`, hint);
}

export function moduleProblem(seed: Seed, { kind, message, hint }: ModuleProblem): Problem {
  return problemOf(seed, kind === 'conflict' ? 'ICT_RPM_MODULE_CONFLICT' : 'ICT_RPM_UNKNOWN_MODULE', message, hint);
}

function unknownModule(seed: Seed, name: string, { builds }: Pick<Modules, 'builds'>): Problem {
  const known = [...new Set(builds.map((build) => build.name))];
  const list = known.length === 0 ? 'The repositories have no modules.' : `There is ${inSentence(known, 'and')}.`;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_MODULE', `no repository has a module "${name}"`, askIfMeant(nearestNames(name, known)) ?? list);
}

function withheldProblem(seed: Seed, kept: readonly Withheld[], pool: Pool, tryStream: TryStream): Problem {
  const mendable = kept.map((each) => ({ each, repairs: repairsFor(each, tryStream) }));
  const { each: first, repairs } = mendable.find((one) => one.repairs.length > 0) ?? mendable[0]!;
  const message = `"${seed.request}"${askedBy(seed, ` may not be installed: ${tellWithheld(first, pool)}`)}`;
  const omission = tellOmission(seed);
  const orders = [...repairs.slice(0, 1), ...(omission === undefined ? [] : [omission])];
  return {
    ...problemOf(seed, 'ICT_RPM_PACKAGE_WITHHELD', message, tellRepairs(orders.length > 0 ? orders : [OTHER_REPOSITORIES])),
    because: kept.filter((each) => each !== first).map((each) => tellWithheld(each, pool)),
  };
}

function unknownVersion(seed: Seed, { name, repository, version }: RequestParts, known: readonly number[], pool: Pool): Problem {
  const there = `There is ${known.map((solvable) => `${label(solvable, pool)} (${pool.repository(solvable).id})`).join(', ')}.`;
  if (repository === undefined || pool.repositories.some(({ id }) => id === repository)) {
    const missing = `${version === undefined ? '' : ` version ${version}`}${repository === undefined ? '' : ` in repository ${repository}`}`;
    return problemOf(seed, 'ICT_RPM_UNKNOWN_VERSION', `there is no ${name}${missing}`, there);
  }
  const message = `"${seed.request}" asks for repository ${repository}, which is not there`;
  return problemOf(seed, 'ICT_RPM_UNKNOWN_VERSION', message, `There is ${pool.repositories.map(({ id }) => id).join(', ')}.`);
}

/** Says so when a package is there, and not for the architecture that is asked for. */
function ofOtherArchitecture(seed: Seed, name: string, pool: Pool, tryStream: TryStream): Problem | undefined {
  const named = (wanted: string): readonly number[] => [
    ...pool.all(wanted),
    ...pool.missedBy(wanted).filter((solvable) => pool.name(solvable) === wanted),
  ];
  const tell = (message: string, there: readonly number[]): Problem =>
    problemOf(
      seed,
      'ICT_RPM_UNKNOWN_PACKAGE',
      message,
      `There is ${inSentence([...new Set(there.map((each) => label(each, pool)))], 'and')}.`,
    );
  const unfit = named(name);
  if (unfit.length > 0) return tell(`no repository has a package "${name}" for ${pool.machine}`, unfit);
  const dot = name.lastIndexOf('.');
  const [base, arch] = [name.slice(0, dot), name.slice(dot + 1)];
  const there = dot < 0 || !isArchitecture(arch) ? [] : named(base);
  if (there.length === 0) return undefined;
  const kept = withheldOf(base, pool).filter(({ solvable }) => pool.name(solvable) === base && pool.package(solvable).arch === arch);
  if (kept.length > 0) return withheldProblem(seed, kept, pool, tryStream);
  const possible = architecturesFor(pool.machine);
  if (possible.includes(arch)) return tell(`no repository has a package "${base}" for ${arch}`, there);
  const installable = pool.all(base);
  return tell(
    `"${seed.request}" asks for architecture ${arch}; an image of ${pool.machine} has packages of ${inSentence(possible, 'and')} only`,
    installable.length > 0 ? installable : there,
  );
}

function* namesOf(pool: Pool): Generator<string> {
  for (const solvable of pool.members()) yield pool.name(solvable);
}

function problemOf(seed: Seed, code: keyof typeof resolutionError.codes, message: string, hint: string): Problem {
  return { code, message, hint, ...(seed.position === undefined ? {} : { position: seed.position }), because: [] };
}
