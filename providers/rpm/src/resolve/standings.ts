import type { CatalogueScope, Context, PackageStanding } from '@ict/plugin-api';
import { architectureRank } from '../architecture.js';
import { readQuirks } from '../quirks.js';
import { compareEvr, formatEvr } from '../relations/evr.js';
import { Pool } from './resolve-pool.js';
import { loadActiveModules, loadRepositories } from './resolve-repositories.js';
import { findExact } from './resolve-seeds.js';

/**
 * How packages of some names stand that the resolver sees: one is what a request for the name takes, or none where another package replaces
 * its newest version. What seeds ask for exactly comes before it: several versions of what is only installed and never updated.
 *
 * @throws what loading packages throws.
 */
export async function findStandings(scope: CatalogueScope, ctx: Context): Promise<readonly PackageStanding[]> {
  const modules = await loadActiveModules(scope, ctx);
  const { installOnly } = readQuirks(scope.distribution);
  const pool = new Pool(await loadRepositories(scope, modules, ctx), scope.arch, { installOnly });
  const asked = new Map<string, { readonly request: string; readonly solvables: number[] }>();
  for (const { request } of scope.seeds) {
    const [solvable] = findExact(request.trim(), pool);
    if (solvable === undefined) continue;
    const before = asked.get(pool.name(solvable));
    if (before === undefined) asked.set(pool.name(solvable), { request: request.trim(), solvables: [solvable] });
    else if (pool.isInstallOnly(solvable)) before.solvables.push(solvable);
  }
  return [...scope.names].flatMap((name) => {
    const all = pool.all(name);
    const exact = asked.get(name);
    const candidates = exact === undefined ? pool.withReplacements(all).slice(0, 1) : exact.solvables;
    return all.map((solvable) => {
      const { evr, arch } = pool.package(solvable);
      const isCandidate = candidates.includes(solvable);
      const why = isCandidate
        ? undefined
        : exact === undefined
          ? tellWhy(solvable, candidates[0]!, pool)
          : `"${exact.request}" is asked for`;
      return {
        name,
        version: formatEvr(evr),
        arch,
        repository: pool.repository(solvable).id,
        candidate: isCandidate,
        ...(why === undefined ? {} : { passedOver: why }),
      };
    });
  });
}

/** Why a package comes after another one. */
function tellWhy(solvable: number, best: number, pool: Pool): string {
  const [own, other] = [pool.package(solvable), pool.package(best)];
  if (own.name !== other.name) return `${other.name} ${formatEvr(other.evr)} replaces it`;
  if (architectureRank(own.arch, pool.machine) !== architectureRank(other.arch, pool.machine))
    return `${formatEvr(other.evr)} for ${other.arch} comes first`;
  if (compareEvr(own.evr, other.evr) !== 0) return `${formatEvr(other.evr)} is newer`;
  const [here, there] = [pool.repository(solvable), pool.repository(best)];
  return here.cost === there.cost ? `repository "${there.id}" comes first` : `repository "${there.id}" costs less`;
}
