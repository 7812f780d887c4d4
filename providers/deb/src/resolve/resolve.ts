import type { Context, DistributionDefinition, FavouredPackage, Problem, Resolution, ResolutionRequest, Seed } from '@ict/plugin-api';
import { solve } from '@ict/solver';
import type { Clause } from '@ict/solver';
import { debArchitecture } from '../architecture.js';
import { explainContradiction, explainForAll, missingIn, seedsOf } from './explain.js';
import { baseSystem, warnOfLeftOut } from './resolve-base.js';
import { createClauses } from './resolve-clauses.js';
import { additionsFor, pinnersIn, repairsOf } from './resolve-repairs.js';
import type { BaseSystem } from './resolve-base.js';
import type { Reason } from './resolve-clauses.js';
import { buildClosure } from './resolve-closure.js';
import { Pool } from './resolve-pool.js';
import { foreignArchitectures, withRepositories } from './resolve-repositories.js';
import type { PoolRepository } from './resolve-solvables.js';
import { findSeeds } from './resolve-seeds.js';
import type { Wanted } from './resolve-seeds.js';
import { warnOfCycles, warnOfDropped, warnOfUnreadable, warnOfVirtual } from './resolve-warnings.js';

/** Independent contradictions that are reported at once. */
const MAX_PROBLEMS = 5;

/** Contradictions of the same reason as an earlier one that are looked for: each takes a resolution. */
const MAX_REPEATED = 20;
const NO_BASE: BaseSystem = { seeds: [], leftOut: [] };

/** What is resolved, without a context: repositories in memory. */
export interface PackageRequest {
  readonly repositories: readonly PoolRepository[];
  /** Debian's name of the architecture. */
  readonly arch: string;
  /** Architectures whose packages may come beside it, as Debian calls them, the preferred one first. */
  readonly foreign?: readonly string[];
  readonly seeds: readonly Seed[];
  /** The definition's essential set, when the base system belongs to the request. */
  readonly essential?: DistributionDefinition['essential'];
  /** Follow Recommends. */
  readonly recommends: boolean;
  /** An earlier answer, of which stays what can. */
  readonly favour?: readonly FavouredPackage[];
}

/** @throws what `loadIndexes` throws, and `ICT_SOLVER_LIMIT`. */
export async function resolve(request: ResolutionRequest, ctx: Context): Promise<Resolution> {
  const { snapshots, seeds, recommends, distribution, essential, favour } = request;
  const resolveIn = (repositories: readonly PoolRepository[]): Resolution =>
    resolvePackages({
      repositories,
      arch: debArchitecture(request.arch),
      foreign: foreignArchitectures(snapshots),
      seeds,
      recommends,
      ...(essential ? { essential: distribution.essential } : {}),
      ...(favour === undefined ? {} : { favour }),
    });
  return withRepositories(snapshots, ctx, resolveIn);
}

/**
 * Resolves without touching network or disk.
 *
 * @throws `ICT_DEB_INDEX_INVALID` when the index gives a chosen package a value that cannot be trusted; `ICT_SOLVER_LIMIT`.
 */
export function resolvePackages(request: PackageRequest): Resolution {
  const pool = new Pool(request.repositories, request.arch, request.favour, request.foreign);
  const { seeds: base, leftOut } = request.essential === undefined ? NO_BASE : baseSystem(pool, request.essential);
  const { wanted, problems: unknown } = findSeeds([...base, ...request.seeds], pool, request.recommends);
  const problems = [...missingArchitectures(pool), ...unknown];
  const provider = createClauses(pool, request.recommends);
  const contradictions: Contradicted[] = [];
  let repeated = 0;
  let left = wanted;
  for (;;) {
    const outcome = solve({ count: pool.count, roots: rootsOf(left), provider });
    if (outcome.kind === 'solved') {
      if (problems.length > 0 || contradictions.length > 0) break;
      const closure = buildClosure(pool, outcome.members, wanted, request.recommends);
      const chosen = new Set(outcome.members.map(({ solvable }) => solvable));
      const warnings = [
        ...warnOfLeftOut(leftOut, pool),
        ...warnOfVirtual(wanted, chosen, pool),
        ...warnOfDropped(outcome.dropped, pool),
        ...warnOfUnreadable(pool),
        ...warnOfCycles(pool, chosen),
      ];
      return { kind: 'resolved', closure, warnings };
    }
    const guilty = new Set(seedsOf(outcome.core));
    // Other contradictions, which have nothing to do with this one, are worth telling at once.
    left = left.filter(({ seed }) => !guilty.has(seed));
    const missing = missingIn(outcome.core, pool);
    const same = contradictions.find((each) => missing !== undefined && each.missing === missing);
    if (same !== undefined) {
      same.others.push(...guilty);
      if (left.length === 0 || ++repeated === MAX_REPEATED) break;
      continue;
    }
    const involved = [...new Set([...base, ...guilty, ...pinnersIn(outcome.core, pool)])];
    const others = left.map(({ seed }) => seed).filter((seed) => !involved.includes(seed));
    const trial = (seeds: readonly Seed[]): number | undefined => trySeeds({ ...request, seeds });
    const repairs = repairsOf(outcome.core, { involved, others }, pool, trial);
    contradictions.push({
      problem: explainContradiction(outcome.core, repairs, pool),
      missing,
      others: [],
      additions: additionsFor(outcome.core, pool),
    });
    if (contradictions.length === MAX_PROBLEMS || left.length === 0) break;
  }
  const explained = contradictions.map(({ problem, others, additions }) => explainForAll(problem, others, additions));
  return { kind: 'unsolvable', problems: [...problems, ...explained] };
}

/** A contradiction as it is told. */
interface Contradicted {
  readonly problem: Problem;
  /** What cannot be had, when that is what is wrong. */
  readonly missing: string | undefined;
  /** Seeds that cannot be had for the same reason. */
  readonly others: Seed[];
  readonly additions: readonly string[];
}

/** A foreign architecture that no repository has is a mistake; a repository without one is not. */
function missingArchitectures(pool: Pool): readonly Problem[] {
  return pool.architectures
    .slice(1)
    .filter((arch) => !pool.has(arch))
    .map((arch) => ({
      code: 'ICT_DEB_ARCHITECTURE_MISSING',
      message: `no repository has packages for the foreign architecture "${arch}"`,
      hint: 'Correct target.foreignArchitectures, or add a repository that has such packages.',
      because: [],
    }));
}

/** The number of packages that seeds bring in, when they can be resolved. */
function trySeeds({ repositories, arch, foreign, seeds, recommends }: PackageRequest): number | undefined {
  const pool = new Pool(repositories, arch, [], foreign);
  const { wanted, problems } = findSeeds(seeds, pool, recommends);
  if (problems.length > 0) return undefined;
  const outcome = solve({ count: pool.count, roots: rootsOf(wanted), provider: createClauses(pool, recommends) });
  return outcome.kind === 'solved' ? outcome.members.length : undefined;
}

function rootsOf(wanted: readonly Wanted[]): Clause<Reason>[] {
  return wanted.map(({ seed, targets }) => ({ kind: 'requires', targets, reason: { kind: 'seed', seed } }));
}
