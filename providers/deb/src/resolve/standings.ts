import type { CatalogueScope, Context, PackageStanding, WithheldPackage } from '@ict/plugin-api';
import { debArchitecture } from '../architecture.js';
import { compareDebVersions } from '../relations/version.js';
import { Pool } from './resolve-pool.js';
import { foreignArchitectures, withRepositories } from './resolve-repositories.js';
import { findSeeds } from './resolve-seeds.js';
import { withheldOf } from './resolve-withheld.js';

/**
 * Packages of some names that the lists of a repository, or a priority below 0, keep out.
 *
 * @throws what loading indexes throws.
 */
export async function findWithheld(scope: CatalogueScope, ctx: Context): Promise<readonly WithheldPackage[]> {
  return inPool(scope, ctx, (pool) =>
    namedIn(scope, pool).flatMap(({ name, arch: asked }) =>
      withheldOf(name, asked, pool).map(({ version, arch, repository, because }) => ({ name, version, arch, repository, reason: because })),
    ),
  );
}

/**
 * How packages of some names stand, as apt-cache policy shows it: of each architecture one is the candidate. What seeds ask for exactly
 * comes before it.
 *
 * @throws what loading indexes throws.
 */
export async function findStandings(scope: CatalogueScope, ctx: Context): Promise<readonly PackageStanding[]> {
  return inPool(scope, ctx, (pool) => {
    findSeeds(scope.seeds, pool, false);
    return namedIn(scope, pool).flatMap(({ name, arch }) => standingsOf(name, arch, pool));
  });
}

function inPool<T>({ snapshots, arch }: CatalogueScope, ctx: Context, work: (pool: Pool) => T): Promise<T> {
  return withRepositories(snapshots, ctx, (repositories) =>
    work(new Pool(repositories, debArchitecture(arch), undefined, foreignArchitectures(snapshots))),
  );
}

function namedIn({ names }: CatalogueScope, { architectures }: Pool): readonly { readonly name: string; readonly arch: string }[] {
  return [...names].flatMap((name) => architectures.map((arch) => ({ name, arch })));
}

function standingsOf(name: string, arch: string, pool: Pool): readonly PackageStanding[] {
  const [candidate] = pool.offered(name, arch);
  return pool.all(name, arch).map((solvable) => {
    const { index, at } = pool.locate(solvable);
    return {
      name,
      version: index.version(at),
      arch: index.arch(at),
      repository: pool.repository(solvable).id,
      candidate: solvable === candidate,
      ...(solvable === candidate || candidate === undefined ? {} : { passedOver: tellWhy(solvable, candidate, arch, pool) }),
      priority: pool.priorityOf(solvable),
    };
  });
}

/** Why a package comes after the candidate of its name and architecture. */
function tellWhy(solvable: number, candidate: number, arch: string, pool: Pool): string {
  const [pinner] = pool.pinnersOf(pool.name(candidate), arch);
  if (pinner !== undefined) return `"${pinner.request}" is asked for`;
  const [own, best] = [pool.priorityOf(solvable), pool.priorityOf(candidate)];
  const version = pool.version(candidate);
  if (own !== best) return `${version} has priority ${best}`;
  if (compareDebVersions(pool.version(solvable), version) !== 0) return `${version} is newer`;
  return `repository "${pool.repository(candidate).id}" comes first`;
}
