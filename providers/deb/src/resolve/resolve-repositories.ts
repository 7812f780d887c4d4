import { AbsentFiles, suiteNames } from '@ict/package-index';
import type { Context, Snapshot } from '@ict/plugin-api';
import { IndexStore } from '../metadata/index-store.js';
import { loadIndexes } from '../metadata/metadata.js';
import { readPins } from './resolve-pins.js';
import { DEFAULT_PRIORITY } from './resolve-solvables.js';
import type { PoolRepository } from './resolve-solvables.js';

/**
 * Opens the indexes of repositories while `work` runs.
 *
 * @throws what {@link loadIndexes} throws.
 */
export async function withRepositories<T>(
  snapshots: readonly Snapshot[],
  ctx: Context,
  work: (repositories: readonly PoolRepository[]) => T,
): Promise<T> {
  const store = new IndexStore();
  const repositories: PoolRepository[] = [];
  const absent = new AbsentFiles();
  try {
    for (const snapshot of snapshots) {
      ctx.signal.throwIfAborted();
      const index = await absent.without(loadIndexes(snapshot, ctx, store));
      if (index !== undefined) repositories.push(toRepository(snapshot, index));
    }
    absent.refuse();
    return work(repositories);
  } finally {
    for (const { index } of repositories) index.close();
  }
}

/** Architectures whose packages may come beside the native one, as Debian calls them, the preferred one first. */
export function foreignArchitectures(snapshots: readonly Snapshot[]): readonly string[] {
  return [...new Set(snapshots.flatMap(({ repository }) => repository.foreignArchitectures ?? []))];
}

function toRepository({ repository, root }: Snapshot, index: PoolRepository['index']): PoolRepository {
  const suites = suiteNames({ repository, root });
  const { id, priority = root.priority ?? DEFAULT_PRIORITY, allowPackages: allow = [], excludePackages: exclude = [] } = repository;
  const pins = readPins(repository.pins ?? [], { names: suites, origin: root.origin });
  return { id, suites, priority, pins, allow, exclude, index };
}
