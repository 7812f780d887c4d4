import type { Architecture, Context, Provider, RepositorySpec, Snapshot } from '@ict/plugin-api';
import type { MirrorRoutes } from '@ict/fetch';

/**
 * Pins every repository, in order, and with that settles the mirror of each archive: a mirror that was found in the host's own
 * sources counts only when what it serves verifies with the definition's keys and is the suite that was asked for.
 */
export async function pinRepositories(
  repositories: readonly RepositorySpec[],
  arch: Architecture,
  provider: Provider,
  mirrors: Pick<MirrorRoutes, 'chooseMirror'>,
  ctx: Context,
): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for (const repository of repositories) {
    const pin = () => provider.metadata.snapshot(repository, arch, ctx);
    const snapshot = await mirrors.chooseMirror(repository.archive, pin, ctx.signal);
    const { root, signers } = snapshot;
    ctx.emit({ type: 'repository.pinned', repository: repository.id, root: root.digest, signers });
    snapshots.push(snapshot);
  }
  return snapshots;
}
