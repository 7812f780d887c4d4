import type { Architecture, Context, Provider, RepositorySpec, Snapshot } from '@ict/plugin-api';
import type { Mirrors } from './repository-mirrors.js';

/**
 * Pins every repository, in order, and with that settles the mirror of each archive: a mirror counts only when what it serves verifies
 * with the definition's keys, is the suite that was asked for, and what the repository's own list of mirrors vouches for.
 */
export async function pinRepositories(
  repositories: readonly RepositorySpec[],
  arch: Architecture,
  provider: Provider,
  mirrors: Mirrors,
  ctx: Context,
): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for (const repository of repositories) {
    const list = await mirrors.list(repository, provider);
    const pin = () => provider.metadata.snapshot(repository, arch, ctx, list);
    const snapshot = await mirrors.chooseMirror(repository.archive, pin, ctx.signal);
    const { root, signers } = snapshot;
    ctx.emit({ type: 'repository.pinned', repository: repository.id, root: root.digest, signers });
    snapshots.push(snapshot);
  }
  return snapshots;
}
