import { AbsentFiles } from '@ict/package-index';
import type { Architecture, Context, Provider, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { inParallel } from '../in-parallel.js';
import { withAbsentDirectory } from './absent-directory.js';
import type { Mirrors } from './repository-mirrors.js';
import { keysLieBelow, withFetchedKeys } from './fetched-keys.js';
import { withKeylessFiles } from './keyless-files.js';
import { ofRepository } from './repository-places.js';

/**
 * Pins every repository, side by side, and with that settles the mirror of each archive: a mirror counts only when what it serves
 * verifies with the keys of the definition or template, is the suite that was asked for, and what the repository's own list of mirrors vouches for.
 *
 * @returns snapshots in the order of the repositories, of repositories whose keys lie on this machine.
 * @throws of the first repository, in that order, which cannot be pinned; what offline is not to be had of all that lack something, the indexes of
 * those that can be pinned included; only after all have ended, so that nothing still writes.
 */
export async function pinRepositories(
  repositories: readonly RepositorySpec[],
  arch: Architecture,
  provider: Provider,
  mirrors: Mirrors,
  ctx: Context,
): Promise<readonly Snapshot[]> {
  const sideBySide = async (work: (repository: RepositorySpec, position: number) => Promise<void>): Promise<AbsentFiles> => {
    const absent = new AbsentFiles();
    await inParallel([...repositories.entries()], repositories.length, ctx.signal, ([position, repository]) =>
      absent.without(work(repository, position)),
    );
    return absent;
  };
  // All lists come first: each changes where its archive leads, and others may lie in the same one. One that is absent is told of below.
  await sideBySide(async (repository) => void (await mirrors.list(repository, provider)));
  const snapshots: Snapshot[] = [];
  const absent = await sideBySide(async (repository, position) => {
    try {
      const list = await mirrors.list(repository, provider);
      const keyed = keysLieBelow(repository) ? repository : await withFetchedKeys(repository, ctx);
      const pin = async () => provider.metadata.snapshot(await withFetchedKeys(keyed, ctx), arch, ctx, list);
      snapshots[position] = await mirrors.chooseMirror(repository.archive, pin, ctx.signal);
    } catch (error) {
      const told = await withKeylessFiles(await withAbsentDirectory(error, repository), repository, ctx.memo);
      throw ofRepository(told, repository.id);
    }
  });
  // One run with a network is to bring everything, so what else is missing is told at once.
  if (!absent.isNone) for (const snapshot of Object.values(snapshots)) await absent.without(openIndexes(snapshot, provider, ctx));
  absent.refuse();
  for (const { repository, root, signers } of snapshots) {
    ctx.emit({ type: 'repository.pinned', repository: repository.id, root: root.digest, signers });
  }
  return snapshots;
}

/** Opens the indexes of packages of a repository, as reading the first package does. */
async function openIndexes(snapshot: Snapshot, { metadata }: Provider, ctx: Context): Promise<void> {
  for await (const _first of metadata.packages(snapshot, ctx)) return;
}
