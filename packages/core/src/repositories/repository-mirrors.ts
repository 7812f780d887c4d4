import type { MirrorRoutes } from '@ict/fetch';
import { bareAddress, toErrorRecord } from '@ict/plugin-api';
import type { Context, EventBody, MirrorList, Provider, RepositorySpec } from '@ict/plugin-api';

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

/**
 * Warns of addresses whose mirrors a user names for this run, and where no repository lies. They may be right: a repository says in its metadata
 * that files of it lie elsewhere.
 *
 * @param mirrors without those of the configuration, which is for all templates.
 */
export function unusedMirrors(
  mirrors: readonly { readonly archive: string }[],
  repositories: readonly RepositorySpec[],
): readonly EventBody[] {
  const archives = [...new Set(repositories.map(({ archive }) => archive))];
  const known = [
    ...archives,
    ...repositories.flatMap(({ metalink = [], mirrorlist = [], keyrings }) => [metalink, mirrorlist, keyrings].flat()),
  ];
  const named = new Set(mirrors.map(({ archive }) => bareAddress(archive).replace(/\/+$/, '')));
  return [...named]
    .filter((archive) => !known.some((address) => `${address}/`.startsWith(`${archive}/`)))
    .map((archive) => ({
      type: 'warning',
      code: 'ICT_MIRROR_UNUSED',
      message: `--mirror names a mirror of ${archive}, and no repository is there`,
      hint: `The repositories are at ${archives.join(', ')}. What is named counts only for files that a repository says lie there.`,
    }));
}

/** Reads the list of mirrors of a repository, as {@link Mirrors.list}. */
export type ListMirrors = (repository: RepositorySpec) => Promise<unknown>;

/** Lets the addresses of a repository lead to its mirrors. What a lock names is the same wherever it comes from: without the list, the archive serves it. */
export async function reachMirrors(repository: RepositorySpec, list: ListMirrors, ctx: Context): Promise<void> {
  try {
    await list(repository);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const { code, message } = toErrorRecord(error);
    ctx.emit({ type: 'warning', code, message: `${repository.archive} itself serves the files of "${repository.id}": ${message}` });
  }
}

/**
 * The context for what a lock names of repositories: before anything is fetched from one of them, and not otherwise, its list of mirrors
 * is read.
 */
export function reachingMirrors(repositories: readonly RepositorySpec[], list: ListMirrors, ctx: Context): Context {
  const reached = new Map<RepositorySpec, Promise<void>>();
  return {
    ...ctx,
    fetch: {
      fetch: async (request) => {
        for (const repository of repositories.filter(({ archive }) => request.url.startsWith(`${archive}/`))) {
          const known = reached.get(repository) ?? reachMirrors(repository, list, ctx);
          reached.set(repository, known);
          await known;
        }
        return ctx.fetch.fetch(request);
      },
    },
  };
}
