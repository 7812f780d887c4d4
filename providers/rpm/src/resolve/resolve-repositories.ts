import { AbsentFiles } from '@ict/package-index';
import type { Context, ResolutionRequest, Seed } from '@ict/plugin-api';
import { loadPackages } from '../metadata/metadata.js';
import { hiddenByModules } from '../metadata/module-filter.js';
import { chooseStreams } from '../metadata/module-streams.js';
import type { ActiveModules } from '../metadata/module-streams.js';
import { loadModules } from '../metadata/modules.js';
import type { Modules } from '../metadata/modules.js';
import { RelationTable } from '../relations/relation.js';
import type { PoolRepository } from './resolve-pool.js';

const DEFAULT_PRIORITY = 0;
const DEFAULT_COST = 1000;

/** What of a request says which packages can be had. */
export type RepositoryScope = Pick<ResolutionRequest, 'arch' | 'distribution' | 'snapshots' | 'seeds'> & { readonly essential?: boolean };

/** The modules of all repositories, and which streams count. */
export type LoadedModules = Modules & ActiveModules;

/** What is asked for: with the definition's essential set unless the request goes without. */
export function allSeeds({ distribution, essential = true, seeds }: RepositoryScope): readonly Seed[] {
  const base = essential ? distribution.essential.packages : [];
  return [...base.map((name): Seed => ({ request: name, reason: 'essential' })), ...seeds];
}

/** @returns undefined when no repository has modules. */
export async function loadActiveModules(scope: RepositoryScope, ctx: Context): Promise<LoadedModules | undefined> {
  const loaded = await loadModules(scope.snapshots, ctx);
  const requests = allSeeds(scope).map(({ request }) => request.trim());
  return loaded && { ...loaded, ...chooseStreams(loaded, requests, scope.arch) };
}

/**
 * Loads the packages of all repositories, and what of them modules hide.
 *
 * @throws what {@link loadPackages} throws.
 */
export async function loadRepositories(
  { snapshots }: RepositoryScope,
  modules: LoadedModules | undefined,
  ctx: Context,
  table = new RelationTable(),
): Promise<readonly PoolRepository[]> {
  const repositories: PoolRepository[] = [];
  const absent = new AbsentFiles();
  for (const snapshot of snapshots) {
    ctx.signal.throwIfAborted();
    const {
      id,
      moduleHotfixes = false,
      priority = DEFAULT_PRIORITY,
      cost = DEFAULT_COST,
      allowPackages: allow = [],
      excludePackages: exclude = [],
    } = snapshot.repository;
    const index = await absent.without(loadPackages(snapshot, ctx, table));
    if (index === undefined) continue;
    const hidden = modules === undefined || moduleHotfixes ? undefined : hiddenByModules(index, modules, modules.active);
    repositories.push({ id, priority, cost, filter: { allow, exclude }, index, ...(hidden === undefined ? {} : { hidden }) });
  }
  absent.refuse();
  return repositories;
}
