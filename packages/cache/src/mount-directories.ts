import { join } from 'node:path';
import { ensureOwnDirectory } from '@ict/integrity';
import type { StoreContext } from './store-context.js';
import { pathSegment } from './layout.js';
import type { Locks } from './lease.js';
import { storageFailure } from './storage-failure.js';

/** What builds at the same time do with one directory: use it together, wait for each other, or get one each. */
export type MountSharing = 'shared' | 'locked' | 'private';

/** Directories at `.ict/mounts/{id}` that commands of templates use, and that outlive builds. They shape no key. */
export interface MountDirectories {
  /**
   * Hands `work` the absolute path of a directory; it is the caller's, as `sharing` says, until `work` ends.
   *
   * @throws `ICT_CACHE_NAME`, `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_DISK_FULL`; the signal's reason; what `work` throws.
   */
  withMount<T>(id: string, sharing: MountSharing, work: (directory: string) => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function createMountDirectories(
  { layout, journal }: Pick<StoreContext, 'layout' | 'journal'>,
  { withLock }: Locks,
): MountDirectories {
  async function directory(name: string): Promise<string> {
    const path = join(layout.area('mounts'), pathSegment(name, 'a cache mount'));
    await journal.note('mount', name);
    try {
      ensureOwnDirectory(path);
    } catch (error) {
      throw storageFailure(error, { what: `the directory of the cache mount ${name}`, directory: path });
    }
    return path;
  }

  /** Takes the first directory of this id that no other process uses: `id`, `id,1`, `id,2`, ... */
  async function withPrivate<T>(id: string, work: (directory: string) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let count = 0; ; count++) {
      const name = count === 0 ? id : `${id},${count}`;
      const busy = new AbortController();
      let started = false;
      const run = async (): Promise<T> => {
        started = true;
        return work(await directory(name));
      };
      try {
        return await withLock(`mount-${name}`, run, { signal: AbortSignal.any([signal, busy.signal]), onWait: () => busy.abort() });
      } catch (error) {
        if (started || signal.aborted || !busy.signal.aborted) throw error;
      }
    }
  }

  return {
    async withMount(id, sharing, work, signal) {
      if (sharing === 'private') return withPrivate(id, work, signal);
      const run = async () => work(await directory(id));
      return sharing === 'locked' ? withLock(`mount-${id}`, run, { signal }) : run();
    },
  };
}
