import type { Seed } from '@ict/plugin-api';
import type { OwnedClause } from '@ict/solver';
import { formatGroup } from './relation.js';
import type { Reason } from './resolve-clauses.js';
import type { Pool } from './resolve-pool.js';
import { withheldFor } from './resolve-withheld.js';

/** Repairs that are told. */
const MAX_REPAIRS = 3;
/** Other versions that are tried. */
const MAX_VERSIONS = 6;

/** Resolves other seeds against the same repositories. @returns the number of packages, or undefined when that fails, too. */
export type Trial = (seeds: readonly Seed[]) => number | undefined;

/**
 * What would mend a contradiction, as orders to the user, those that change least first: another version of a package keeps all wishes;
 * leaving out one wish keeps most packages, then fewer. Each of these was tried and works, with all other wishes when one does, else by
 * itself. Last comes what cannot be tried: another repository.
 *
 * @param involved seeds that take part in the contradiction, and those of the base system.
 * @param others all other seeds.
 */
export function findRepairs(
  core: readonly OwnedClause<Reason>[],
  involved: readonly Seed[],
  others: readonly Seed[],
  pool: Pool,
  trial: Trial,
): readonly string[] {
  const requests = otherVersions(core, pool);
  let repairs = workingRepairs(requests, involved, (seeds) => trial([...seeds, ...others]));
  if (repairs.length === 0 && others.length > 0) repairs = workingRepairs(requests, involved, trial);
  const additions = new Set(
    core.flatMap(({ by, kind, targets, reason }) => {
      if (kind !== 'requires' || targets.length > 0 || reason.kind !== 'relation') return [];
      const [kept] = reason.group.flatMap((relation) => withheldFor(relation, pool.archOf(by), pool));
      return [kept === undefined ? `add a repository that has ${formatGroup(reason.group)}` : `let ${kept.name} ${kept.version} be taken`];
    }),
  );
  const all = [...repairs, ...additions].slice(0, MAX_REPAIRS);
  return all.length > 0 ? all : ['use repositories that belong together'];
}

function workingRepairs(requests: readonly string[], involved: readonly Seed[], trial: Trial): readonly string[] {
  const versions = requests
    .filter((request) => trial(withVersion(involved, request)) !== undefined)
    .map((request) => `ask for "${request}"`);
  const wishes = new Set(involved.filter(({ reason }) => reason !== 'essential').map(({ request }) => request));
  const omissions = [...wishes]
    .map((request) => ({ request, size: trial(involved.filter((seed) => seed.request !== request)) }))
    .filter(({ size }) => size !== undefined)
    .sort((a, b) => b.size! - a.size!)
    .map(({ request }) => `leave out "${request}"`);
  return [...versions, ...omissions];
}

/** Requests for packages of the contradiction in versions that are there and not offered, the preferred ones first. */
function otherVersions(core: readonly OwnedClause<Reason>[], pool: Pool): readonly string[] {
  const names = new Set<string>();
  for (const { by, targets, reason } of core) {
    if (by !== 0) names.add(pool.name(by));
    for (const target of targets) names.add(pool.name(target));
    if (reason.kind === 'relation') for (const { name } of reason.group) names.add(name);
  }
  const requests = new Set<string>();
  for (const name of names) {
    for (const arch of pool.architectures) {
      const offered = pool.offered(name, arch).map((each) => pool.version(each));
      for (const solvable of pool.all(name, arch)) {
        if (!offered.includes(pool.version(solvable))) requests.add(`${pool.title(solvable)}=${pool.version(solvable)}`);
      }
    }
  }
  return [...requests].slice(0, MAX_VERSIONS);
}

/** The seeds with one for a certain version, in place of one for any. */
function withVersion(seeds: readonly Seed[], request: string): readonly Seed[] {
  const name = request.slice(0, request.indexOf('='));
  return [...seeds.filter((seed) => seed.request !== name), { request, reason: 'template' }];
}
