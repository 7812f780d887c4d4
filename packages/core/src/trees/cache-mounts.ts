import type { MountDirectories } from '@ict/cache';
import type { CacheMountSpec } from '@ict/plugin-api';
import type { TreeMount } from './trees.js';

/** Runs `work` while it holds the directories that outlive builds. They are taken in the order of their ids: no two builds wait for each other. */
export async function withCacheMounts<T>(
  specs: readonly CacheMountSpec[],
  directories: MountDirectories,
  work: (mounts: readonly TreeMount[]) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const take = async (pending: readonly CacheMountSpec[], mounts: readonly TreeMount[]): Promise<T> => {
    const [first, ...rest] = pending;
    if (first === undefined) return work(mounts);
    const { id, target, sharing } = first;
    const mounted = (source: string): TreeMount => ({ source, at: target, writable: true });
    return directories.withMount(id, sharing, (directory) => take(rest, [...mounts, mounted(directory)]), signal);
  };
  return take(
    [...specs].sort((a, b) => (a.id < b.id ? -1 : 1)),
    [],
  );
}
