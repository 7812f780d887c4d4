import { formatCount } from '@ict/plugin-api';
import type {
  Architecture,
  Context,
  FavouredPackage,
  Problem,
  Resolution,
  ResolutionRequest,
  Resolver,
  Seed,
  Snapshot,
} from '@ict/plugin-api';
import { digestParts } from '@ict/integrity';
import { AbsentFiles } from '@ict/package-index';
import { solve } from '@ict/solver';
import type { Clause, OwnedClause } from '@ict/solver';
import { CompsReader, joinComps } from '../metadata/comps.js';
import type { Comps } from '../metadata/comps.js';
import { compareVersions, formatEvr } from '../relations/evr.js';
import { explainContradiction, seedsOf, warnOfUnreadable } from './explain.js';
import { FilelistsReader } from '../metadata/filelists.js';
import { hiddenByModules } from '../metadata/module-filter.js';
import { readQuirks } from '../quirks.js';
import { indexOf, readIndex } from '../metadata/read-index.js';
import { formatRelation, RelationTable } from '../relations/relation.js';
import { Clauses } from './resolve-clauses.js';
import type { Reason } from './resolve-clauses.js';
import { buildClosure } from './resolve-closure.js';
import { Pool } from './resolve-pool.js';
import { repairsOf } from './resolve-repairs.js';
import type { PoolRepository } from './resolve-pool.js';
import { allSeeds, loadActiveModules, loadRepositories } from './resolve-repositories.js';
import { findSeeds } from './resolve-seeds.js';
import type { Collections, Wanted } from './resolve-seeds.js';
import { streamRepairs } from './stream-repairs.js';
import type { StreamRepair } from './stream-repairs.js';

/** Independent contradictions that are reported at once. */
const MAX_PROBLEMS = 5;

/** What is resolved, without a context: repositories in memory. */
export interface PackageRequest {
  readonly repositories: readonly PoolRepository[];
  readonly arch: Architecture;
  readonly seeds: readonly Seed[];
  readonly collections: Collections;
  /** Makes the relations of boolean dependencies. */
  readonly table: RelationTable;
  /** Follow weak dependencies. */
  readonly recommends: boolean;
  /** Packages of an earlier answer. */
  readonly favour?: readonly FavouredPackage[];
  /** What packages are called, or provide, of which several versions may be installed. Default: {@link INSTALL_ONLY}. */
  readonly installOnly?: readonly string[];
}

/** Turns seeds into a closure as dnf does with an empty system. */
export function createResolver(): Resolver {
  return { version: 15, resolve, compareVersions };
}

/** @throws what {@link loadRepositories} throws, and `ICT_SOLVER_LIMIT`. */
async function resolve(request: ResolutionRequest, ctx: Context): Promise<Resolution> {
  const { arch, distribution, favour = [], recommends, snapshots } = request;
  const table = new RelationTable();
  const all = allSeeds(request);
  const absent = new AbsentFiles();
  const modules = await absent.without(loadActiveModules(request, ctx));
  const repositories = (await absent.without(loadRepositories(request, modules, ctx, table))) ?? [];
  const requests = all.map((seed) => seed.request.trim());
  const ofGroups = requests.some((request) => request.startsWith('@') && modules?.requests.has(request) !== true);
  const comps = (ofGroups ? await absent.without(loadComps(snapshots, ctx)) : undefined) ?? joinComps([]);
  absent.refuse();
  const { installOnly } = readQuirks(distribution);
  const pool = new Pool(repositories, arch, { favour, installOnly });
  const collections = { comps, ...(modules === undefined ? {} : { modules }) };
  const work = { repositories, arch, seeds: all, collections, table, recommends, installOnly };
  const asked = new Set<string>();
  for (;;) {
    const resolution = resolvePackages(work, pool);
    // Files outside of the usual directories are looked for only when something needs them: the full file lists are large.
    const paths = new Set([...pool.missingPaths].filter((path) => !asked.has(path)));
    if (paths.size === 0) return resolution;
    for (const path of paths) asked.add(path);
    if (!(await addFiles(paths, snapshots, pool, ctx))) return resolution;
    pool.forgetPaths();
  }
}

/** @returns whether a package brings one of the paths. */
async function addFiles(paths: ReadonlySet<string>, snapshots: readonly Snapshot[], pool: Pool, ctx: Context): Promise<boolean> {
  let found = false;
  const absent = new AbsentFiles();
  for (const [number, snapshot] of snapshots.entries()) {
    const filelists = indexOf(snapshot, 'filelists');
    if (filelists === undefined) continue;
    const { repository } = snapshot;
    const reader = new FilelistsReader(`${filelists.path} of repository "${repository.id}"`, paths);
    const read = readIndex(repository, filelists, ctx, (chunk) => reader.write(chunk));
    const owners = await absent.without(read.then(() => reader.finish()));
    if (owners === undefined) continue;
    const { index } = pool.repositories[number]!;
    const places = new Map<string, number>(Array.from({ length: index.count }, (_, at) => [digestParts(index.digest(at)).hex, at]));
    for (const { path, pkgid } of owners) {
      const at = places.get(pkgid);
      if (at === undefined) continue;
      index.addFile(at, path);
      found = true;
    }
  }
  absent.refuse();
  return found;
}

async function loadComps(snapshots: readonly Snapshot[], ctx: Context): Promise<Comps> {
  const all: Comps[] = [];
  const absent = new AbsentFiles();
  for (const snapshot of snapshots) {
    const comps = indexOf(snapshot, 'group');
    if (comps === undefined) continue;
    const reader = new CompsReader(`${comps.path} of repository "${snapshot.repository.id}"`);
    const read = readIndex(snapshot.repository, comps, ctx, (chunk) => reader.write(chunk));
    const found = await absent.without(read.then(() => reader.finish()));
    if (found !== undefined) all.push(found);
  }
  absent.refuse();
  return joinComps(all);
}

/**
 * Resolves without touching network or disk.
 *
 * @param pool of the same repositories; it notes paths that nothing is known to bring.
 * @throws `ICT_SOLVER_LIMIT`.
 */
export function resolvePackages(request: PackageRequest, pool = new Pool(request.repositories, request.arch, request)): Resolution {
  const { collections, recommends, seeds, table } = request;
  const repairStream = streamRepairsOf(request);
  const { wanted, problems } = findSeeds(seeds, pool, table, collections, repairStream);
  const clauses = new Clauses(pool, table, recommends);
  const solveFor = (asked: readonly Wanted[]) =>
    solve<Reason>({ count: pool.count, roots: rootsOf(asked), provider: clauses, recommendations: 'last' });
  /** The number of packages that other seeds bring in, when they can be resolved. */
  const trial = (other: readonly Seed[]): number | undefined => {
    const found = findSeeds(other, pool, table, collections);
    const outcome = found.problems.length > 0 ? undefined : solveFor(found.wanted);
    return outcome?.kind === 'solved' ? outcome.members.length : undefined;
  };
  const contradictions: Problem[] = [];
  let left = wanted;
  for (;;) {
    const outcome = solveFor(left);
    if (outcome.kind === 'solved') {
      if (problems.length > 0 || contradictions.length > 0) break;
      return {
        kind: 'resolved',
        closure: buildClosure(pool, clauses, outcome.members, wanted, recommends),
        warnings: [...warnOfDropped(outcome.dropped, pool), ...warnOfUnreadable(clauses.unreadable.values(), pool)],
      };
    }
    const guilty = new Set(seedsOf(outcome.core));
    const involved = seeds.filter((seed) => guilty.has(seed) || seed.reason === 'essential');
    const others = left.map(({ seed }) => seed).filter((seed) => !involved.includes(seed));
    const repairs = repairsOf(outcome.core, { involved, others }, pool, clauses, trial, repairStream);
    contradictions.push(explainContradiction(outcome.core, repairs, pool, clauses));
    // Other contradictions, which have nothing to do with this one, are worth telling at once.
    left = left.filter(({ seed }) => !guilty.has(seed));
    if (contradictions.length === MAX_PROBLEMS || left.length === 0 || guilty.size === 0) break;
  }
  return { kind: 'unsolvable', problems: [...problems, ...contradictions] };
}

/** Tries streams of modules over the same repositories, of which other packages are hidden then. */
function streamRepairsOf({ repositories, arch, seeds, collections, table, recommends, ...rules }: PackageRequest): StreamRepair {
  const { comps, modules } = collections;
  if (modules === undefined) return () => undefined;
  return streamRepairs(modules, seeds, arch, (asked, chosen) => {
    const shown = repositories.map((repository) =>
      repository.hidden === undefined ? repository : { ...repository, hidden: hiddenByModules(repository.index, modules, chosen.active) },
    );
    const pool = new Pool(shown, arch, rules);
    const { wanted, problems } = findSeeds(asked, pool, table, { comps, modules: { ...modules, ...chosen } });
    if (problems.length > 0) return false;
    const provider = new Clauses(pool, table, recommends);
    const outcome = solve<Reason>({ count: pool.count, roots: rootsOf(wanted), provider, recommendations: 'last' });
    return outcome.kind === 'solved';
  });
}

/** Sorted, so that the answer does not depend on the order in which a template names its packages. */
function rootsOf(wanted: readonly Wanted[]): Clause<Reason>[] {
  return wanted
    .toSorted((a, b) => (a.seed.request < b.seed.request ? -1 : a.seed.request > b.seed.request ? 1 : 0))
    .map(({ seed, targets, when }) => ({
      kind: 'requires',
      targets,
      reason: { kind: 'seed', seed },
      ...(when === undefined ? {} : { when: [when] }),
    }));
}

/** Says which weak dependencies were not followed although their packages exist. Those that no repository has are silently left out. */
function warnOfDropped(dropped: readonly OwnedClause<Reason>[], pool: Pool): Problem[] {
  const because: string[] = [];
  for (const { by, targets, reason } of dropped) {
    if (by === 0 || targets.length === 0 || reason.kind !== 'relation') continue;
    const { name, evr } = pool.package(by);
    because.push(`${name} ${formatEvr(evr)} ${reason.field} ${formatRelation(reason.relation)}`);
  }
  if (because.length === 0) return [];
  return [
    {
      code: 'ICT_RPM_RECOMMENDS_DROPPED',
      message: `${formatCount(because.length, 'recommended package')} left out that cannot be installed together with the rest`,
      hint: 'Ask for one of them by name to see what excludes it.',
      because,
    },
  ];
}
