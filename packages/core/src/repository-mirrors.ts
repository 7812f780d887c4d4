import type { MirrorRoutes } from '@ict/fetch';
import type { Context, MirrorList, Provider, RepositorySpec } from '@ict/plugin-api';

/** Where repositories can be got: what the user and the host say, and the lists that repositories themselves name. */
export interface Mirrors extends Pick<MirrorRoutes, 'chooseMirror'> {
  /**
   * Reads the list of mirrors that a repository names, once, and lets its archive's addresses lead there.
   *
   * @returns undefined for a repository without list, or whose mirrors the user named.
   * @throws what the provider throws for a list that cannot be had or read.
   */
  list(repository: RepositorySpec, provider: Provider): Promise<MirrorList | undefined>;
}

/** {@link Mirrors} over the routes of a fetcher. */
export function openMirrors(routes: Pick<MirrorRoutes, 'chooseMirror' | 'takesMirrors' | 'offerMirrors'>, ctx: Context): Mirrors {
  const lists = new Map<string, Promise<MirrorList | undefined>>();
  const read = async (repository: RepositorySpec, provider: Provider): Promise<MirrorList | undefined> => {
    if (!routes.takesMirrors(repository.archive)) return undefined;
    const list = await provider.metadata.mirrors?.(repository, ctx);
    if (list !== undefined) routes.offerMirrors(repository.archive, list.urls);
    return list;
  };
  return {
    chooseMirror: routes.chooseMirror,
    list: (repository, provider) => {
      const known = lists.get(repository.id) ?? read(repository, provider);
      lists.set(repository.id, known);
      return known;
    },
  };
}
