import { IctError, isIctError, type Architecture, type Context, type Provider, type RepositorySpec, type Snapshot } from '@ict/plugin-api';
import { inParallel } from '../in-parallel.js';
import type { Mirrors } from './repository-mirrors.js';

/**
 * Pins every repository, side by side, and with that settles the mirror of each archive: a mirror counts only when what it serves
 * verifies with the definition's keys, is the suite that was asked for, and what the repository's own list of mirrors vouches for.
 *
 * @returns snapshots in the order of the repositories.
 * @throws of the first repository, in that order, which cannot be pinned; what offline is not to be had of all that lack something; only after
 * all have ended, so that nothing still writes.
 */
export async function pinRepositories(
  repositories: readonly RepositorySpec[],
  arch: Architecture,
  provider: Provider,
  mirrors: Mirrors,
  ctx: Context,
): Promise<readonly Snapshot[]> {
  const sideBySide = async (work: (repository: RepositorySpec, position: number) => Promise<void>): Promise<void> => {
    const absent: IctError[] = [];
    await inParallel([...repositories.entries()], repositories.length, ctx.signal, async ([position, repository]) => {
      try {
        await work(repository, position);
      } catch (error) {
        if (!isIctError(error) || error.kind !== 'offline') throw error;
        absent[position] = error;
      }
    });
    const [first, ...others] = Object.values(absent);
    if (first !== undefined) throw others.length === 0 ? first : allAbsent([first, ...others]);
  };
  // All lists come first: each changes where its archive leads, and others may lie in the same one.
  await sideBySide(async (repository) => void (await mirrors.list(repository, provider)));
  const snapshots: Snapshot[] = [];
  await sideBySide(async (repository, position) => {
    const list = await mirrors.list(repository, provider);
    const pin = () => provider.metadata.snapshot(repository, arch, ctx, list);
    snapshots[position] = await mirrors.chooseMirror(repository.archive, pin, ctx.signal);
  });
  for (const { repository, root, signers } of snapshots) {
    ctx.emit({ type: 'repository.pinned', repository: repository.id, root: root.digest, signers });
  }
  return snapshots;
}

/** So that one run with a network brings everything. */
function allAbsent(failures: readonly [IctError, ...IctError[]]): Error {
  const { code, kind, hint } = failures[0];
  return new IctError(code, kind, {
    message: `the cache has nothing to go by of ${failures.length} repositories, and --offline forbids to fetch it`,
    ...(hint === undefined ? {} : { hint }),
    facts: { urls: failures.map(({ facts }) => facts['url']) },
    problems: failures.map(({ code: own, message }) => ({ code: own, message, severity: 'error' })),
  });
}
