import { formatCount, type Problem } from '@ict/plugin-api';
import type { OwnedClause } from '@ict/solver';
import { formatGroup } from '../relations/relation.js';
import type { Reason } from './resolve-clauses.js';
import { cyclesOf } from './resolve-cycles.js';
import type { Pool } from './resolve-pool.js';
import type { Wanted } from './resolve-seeds.js';

/** Names the packages that were looked at and have a relation field that cannot be read. */
export function warnOfUnreadable(pool: Pool): Problem[] {
  return [...pool.unreadable].map(([solvable, { field, message }]) => ({
    code: 'ICT_DEB_RELATION_INVALID',
    message: `repository "${pool.repository(solvable).id}": ${message}`,
    hint: `The package is not used${field === 'Recommends' ? ' for its Recommends' : ''}; report it to the repository.`,
    because: [],
  }));
}

/** Names the packages that each need another of them to be configured before they are unpacked: dpkg has no order for these. */
export function warnOfCycles(pool: Pool, chosen: ReadonlySet<number>): Problem[] {
  const edges = new Map<string, readonly string[]>();
  chosen.forEach((solvable) => {
    const needed = preDependenciesOf(solvable, chosen, pool);
    if (needed.length === 0) return;
    edges.set(
      pool.id(solvable),
      needed.map((target) => pool.id(target)),
    );
  });
  const cycles = cyclesOf(edges);
  if (cycles.length === 0) return [];
  const byId = new Map([...chosen].map((solvable) => [pool.id(solvable), solvable]));
  return cycles.map((cycle) => ({
    code: 'ICT_DEB_PRE_DEPENDS_CYCLE',
    message: `${cycle.join(', ')} need each other before they are unpacked (Pre-Depends)`,
    hint: 'The repositories contradict themselves here; report it to them. Installing may fail.',
    because: cycle.map((id) => {
      const solvable = byId.get(id)!;
      const groups = pool.relations(solvable, 'Pre-Depends') ?? [];
      return `${pool.title(solvable)} ${pool.version(solvable)} of ${pool.repository(solvable).id}: Pre-Depends ${groups.map(formatGroup).join(', ')}`;
    }),
  }));
}

/** Packages that one needs to be configured before it is unpacked. Where two can do, dpkg has a way out. */
function preDependenciesOf(solvable: number, chosen: ReadonlySet<number>, pool: Pool): readonly number[] {
  const groups = pool.groups(solvable, 'Pre-Depends') ?? [];
  if (groups.length === 0) return groups;
  const arch = pool.archOf(solvable);
  const satisfying = groups.map((group) => (pool.targets(group, arch) ?? []).filter((target) => chosen.has(target)));
  return satisfying.filter(({ length }) => length === 1).flat();
}

/** Says which provider stands for a name that is no package, when there was a choice. Of versions of one package there is none. */
export function warnOfVirtual(wanted: readonly Wanted[], chosen: ReadonlySet<number>, pool: Pool): Problem[] {
  return wanted.flatMap(({ seed, targets, virtual }) => {
    const byTitle = Map.groupBy(targets, (target) => pool.title(target));
    if (!virtual || byTitle.size < 2) return [];
    const taken = targets.find((target) => chosen.has(target))!;
    const problem: Problem = {
      code: 'ICT_DEB_VIRTUAL_PACKAGE',
      message: `"${seed.request}" is no package but a name that ${byTitle.size} packages provide; ${pool.title(taken)} was taken`,
      hint: `Ask for ${pool.title(taken)} itself, or for another of them, to be sure of it.`,
      ...(seed.position === undefined ? {} : { position: seed.position }),
      because: Array.from(byTitle, ([title, versions]) => {
        const known = new Set(versions.map((target) => pool.version(target)));
        return `${title} ${[...known].join(', ')} provides ${seed.request}`;
      }),
    };
    return [problem];
  });
}

/** Says which Recommends were not followed although their packages exist. Those that no repository has are silently left out, as by apt. */
export function warnOfDropped(dropped: readonly OwnedClause<Reason>[], pool: Pool): Problem[] {
  const because: string[] = [];
  for (const { by, targets, reason } of dropped) {
    if (targets.length === 0 || reason.kind !== 'relation') continue;
    because.push(`${pool.title(by)} ${pool.version(by)} recommends ${formatGroup(reason.group)}`);
  }
  if (because.length === 0) return [];
  return [
    {
      code: 'ICT_DEB_RECOMMENDS_DROPPED',
      message: `${formatCount(because.length, 'recommended package')} left out that cannot be installed together with the rest`,
      hint: 'Ask for one of them by name to see what excludes it.',
      because,
    },
  ];
}
