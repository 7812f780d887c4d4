import type {
  Context,
  DistributionDefinition,
  FavouredPackage,
  Problem,
  Resolution,
  ResolutionRequest,
  Resolver,
  Seed,
  Snapshot,
} from '@ict/plugin-api';
import { solve } from '@ict/solver';
import type { OwnedClause } from '@ict/solver';
import { debArchitecture } from './architecture.js';
import { explainContradiction, seedsOf } from './explain.js';
import { loadIndexes } from './metadata.js';
import { formatGroup, RelationTable } from './relation.js';
import { createClauses } from './resolve-clauses.js';
import type { Reason } from './resolve-clauses.js';
import { buildClosure } from './resolve-closure.js';
import { DEFAULT_PRIORITY, Pool } from './resolve-pool.js';
import type { PoolRepository } from './resolve-pool.js';
import { essentialSeeds, findSeeds } from './resolve-seeds.js';
import type { Wanted } from './resolve-seeds.js';

/** Independent contradictions that are reported at once. */
const MAX_PROBLEMS = 5;

/** What is resolved, without a context: repositories in memory. */
export interface PackageRequest {
  readonly repositories: readonly PoolRepository[];
  /** Debian's name of the architecture. */
  readonly arch: string;
  readonly seeds: readonly Seed[];
  /** The definition's essential set, when the base system belongs to the request. */
  readonly essential?: DistributionDefinition['essential'];
  /** Follow Recommends. */
  readonly recommends: boolean;
  /** An earlier answer, of which stays what can. */
  readonly favour?: readonly FavouredPackage[];
}

/**
 * Turns seeds into a closure as apt does with an empty system: the same candidates, the same choice among alternatives and providers,
 * Recommends in the same order; but complete, where apt gives up. Phased updates are always included.
 */
export function createResolver(): Resolver {
  return { version: 2, resolve };
}

/** @throws what {@link loadIndexes} throws, and `ICT_SOLVER_LIMIT`. */
async function resolve(request: ResolutionRequest, ctx: Context): Promise<Resolution> {
  const table = new RelationTable();
  const repositories: PoolRepository[] = [];
  for (const snapshot of request.snapshots) {
    ctx.signal.throwIfAborted();
    repositories.push(toRepository(snapshot, await loadIndexes(snapshot, ctx, table)));
  }
  const { seeds, recommends, distribution, essential, favour } = request;
  return resolvePackages({
    repositories,
    arch: debArchitecture(request.arch),
    seeds,
    recommends,
    ...(essential ? { essential: distribution.essential } : {}),
    ...(favour === undefined ? {} : { favour }),
  });
}

function toRepository({ repository, root }: Snapshot, index: PoolRepository['index']): PoolRepository {
  const suites = [repository.suite, root.suite, root.codename, root.version, repository.id].filter(
    (name) => name !== undefined && name !== '',
  );
  return { id: repository.id, suites: suites as string[], priority: repository.priority ?? DEFAULT_PRIORITY, index };
}

/**
 * Resolves without touching network or disk.
 *
 * @throws `ICT_DEB_RELATION_INVALID`, `ICT_DEB_INDEX_INVALID` when a package that is looked at is broken; `ICT_SOLVER_LIMIT`.
 */
export function resolvePackages(request: PackageRequest): Resolution {
  const pool = new Pool(request.repositories, request.arch, request.favour);
  const base = request.essential === undefined ? [] : essentialSeeds(pool, request.essential);
  const { wanted, problems } = findSeeds([...base, ...request.seeds], pool);
  const provider = createClauses(pool, request.recommends);
  const contradictions: Problem[] = [];
  let left = wanted;
  for (;;) {
    const roots = left.map(({ seed, targets }) => ({ kind: 'requires' as const, targets, reason: { kind: 'seed' as const, seed } }));
    const outcome = solve<Reason>({ count: pool.count, roots, provider });
    if (outcome.kind === 'solved') {
      if (problems.length > 0 || contradictions.length > 0) break;
      const closure = buildClosure(pool, outcome.members, wanted, request.recommends);
      const chosen = new Set(outcome.members.map(({ solvable }) => solvable));
      return { kind: 'resolved', closure, warnings: [...warnOfVirtual(wanted, chosen, pool), ...warnOfDropped(outcome.dropped, pool)] };
    }
    contradictions.push(explainContradiction(outcome.core, pool));
    // Other contradictions, which have nothing to do with this one, are worth telling at once.
    const guilty = new Set(seedsOf(outcome.core));
    left = left.filter(({ seed }) => !guilty.has(seed));
    if (contradictions.length === MAX_PROBLEMS || left.length === 0) break;
  }
  return { kind: 'unsolvable', problems: [...problems, ...contradictions] };
}

/** Says which provider stands for a name that is no package, when there was a choice. */
function warnOfVirtual(wanted: readonly Wanted[], chosen: ReadonlySet<number>, pool: Pool): Problem[] {
  return wanted
    .filter(({ virtual, targets }) => virtual && targets.length > 1)
    .map(({ seed, targets }) => {
      const taken = targets.find((target) => chosen.has(target))!;
      return {
        code: 'ICT_DEB_VIRTUAL_PACKAGE',
        message: `"${seed.request}" is no package but a name that ${targets.length} packages provide; ${pool.name(taken)} was taken`,
        hint: `Ask for ${pool.name(taken)} itself, or for another of them, to be sure of it.`,
        ...(seed.position === undefined ? {} : { position: seed.position }),
        because: targets.map((target) => `${pool.name(target)} ${pool.version(target)} provides ${seed.request}`),
      };
    });
}

/** Says which Recommends were not followed although their packages exist. Those that no repository has are silently left out, as by apt. */
function warnOfDropped(dropped: readonly OwnedClause<Reason>[], pool: Pool): Problem[] {
  const because: string[] = [];
  for (const { by, targets, reason } of dropped) {
    if (targets.length === 0 || reason.kind !== 'relation') continue;
    because.push(`${pool.name(by)} ${pool.version(by)} recommends ${formatGroup(reason.group)}`);
  }
  if (because.length === 0) return [];
  return [
    {
      code: 'ICT_DEB_RECOMMENDS_DROPPED',
      message: `${because.length} recommended packages cannot be installed together with the rest and were left out`,
      hint: 'Ask for one of them by name to see what excludes it.',
      because,
    },
  ];
}
