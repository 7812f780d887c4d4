import type { CatalogueScope, Context, WithheldPackage } from '@ict/plugin-api';
import { architectureRank } from './architecture.js';
import { formatEvr } from './evr.js';
import { moduleNames } from './module-filter.js';
import type { ModuleNames } from './module-filter.js';
import { Pool } from './resolve-pool.js';
import type { PoolRepository } from './resolve-pool.js';
import { loadActiveModules, loadRepositories } from './resolve-repositories.js';

/**
 * Packages of some names that the resolver does not see: modules hide them, the repository may not give them, or another one comes first.
 * Source packages are not told of.
 *
 * @throws what loading packages throws.
 */
export async function findWithheld(scope: CatalogueScope, ctx: Context): Promise<readonly WithheldPackage[]> {
  const modules = await loadActiveModules(scope, ctx);
  const repositories = await loadRepositories(scope, modules, ctx);
  const pool = new Pool(repositories, scope.arch);
  const ofModules = modules && moduleNames(modules, modules.active);
  const withheld: WithheldPackage[] = [];
  for (const name of scope.names) {
    const taken = pool.all(name).map((solvable) => ({ repository: pool.repository(solvable), at: pool.placeOf(solvable) }));
    for (const repository of repositories) {
      const { index } = repository;
      for (const at of index.byName(name)) {
        const arch = index.arch(at);
        if (arch === 'src' || taken.some((one) => one.repository === repository && one.at === at)) continue;
        const first = taken[0]?.repository;
        const reason =
          architectureRank(arch, scope.arch) === undefined
            ? 'for machines of another architecture'
            : reasonOf(at, repository, first, ofModules);
        withheld.push({ name, version: formatEvr(index.evr(at)), arch, repository: repository.id, reason });
      }
    }
  }
  return withheld;
}

/** @param first the repository whose packages of that name are taken, if any. */
function reasonOf(
  at: number,
  { hidden, index, priority }: PoolRepository,
  first: PoolRepository | undefined,
  modules: ModuleNames | undefined,
): string {
  if (modules !== undefined && hidden?.has(at) === true) {
    const { name, evr, arch, relations } = index.package(at);
    const streams = modules.inactive.get(`${name}-${evr.epoch}:${evr.version}-${evr.release}.${arch}`);
    if (streams !== undefined) return `in module ${streams.join(', ')}, which is not enabled`;
    const names = [name, ...(relations.provides ?? []).map((provided) => provided.name)];
    return `hidden by module ${names.flatMap((each) => modules.active.get(each) ?? []).at(0)}, which has ${name} itself`;
  }
  if (first !== undefined && first.priority > priority) return `behind repository ${first.id}, which has a higher priority`;
  return 'left out by allowPackages or excludePackages of its repository';
}
