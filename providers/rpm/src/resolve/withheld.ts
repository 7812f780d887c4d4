import type { CatalogueScope, Context, WithheldPackage } from '@ict/plugin-api';
import { formatEvr } from '../relations/evr.js';
import { Pool } from './resolve-pool.js';
import { loadActiveModules, loadRepositories } from './resolve-repositories.js';
import { withheldOf } from './resolve-withheld.js';

/**
 * Packages of some names that the resolver does not see: modules hide them, the repository may not give them, another one comes first, or
 * they are for machines of another architecture. Source packages are not told of.
 *
 * @throws what loading packages throws.
 */
export async function findWithheld(scope: CatalogueScope, ctx: Context): Promise<readonly WithheldPackage[]> {
  const modules = await loadActiveModules(scope, ctx);
  const pool = new Pool(await loadRepositories(scope, modules, ctx), scope.arch);
  const withheld: WithheldPackage[] = [];
  for (const name of scope.names) {
    const reasons = new Map(withheldOf(name, pool).map(({ solvable, because }) => [solvable, because]));
    for (const solvable of pool.missedBy(name)) {
      const { name: own, evr, arch } = pool.package(solvable);
      if (own !== name || arch === 'src') continue;
      const reason = reasons.get(solvable) ?? 'it is for machines of another architecture';
      withheld.push({ name, version: formatEvr(evr), arch, repository: pool.repository(solvable).id, reason });
    }
  }
  return withheld;
}
