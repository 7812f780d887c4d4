import { constants, lstatSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { errnoOf, ignoreSystemError, isNoFile, linkNew, readRegularFile, writeNewFile } from '@ict/integrity';
import { giveBack, pathSegment } from './layout.js';
import { isProcessOwner, livenessOf, type ProcessOwner } from './process-owner.js';
import { storageFailure } from './storage-failure.js';

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once, when another process holds the lock. */
  readonly onWait?: (holder: ProcessOwner) => void;
}

/** Runs work while no other process of any machine that shares the cache runs work of the same name. */
export interface Locks {
  /**
   * @throws what `work` throws; the signal's reason while waiting; `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_DISK_FULL`, `ICT_CACHE_NAME`.
   */
  withLock<T>(name: string, work: () => Promise<T>, options?: LockOptions): Promise<T>;
}

export interface LeaseTiming {
  /** Between two looks at a lock that is held. */
  readonly pollMs: number;
  /** Between two signs of life of a holder. */
  readonly heartbeatMs: number;
  /** A lease of another machine without a sign of life for this long is void. */
  readonly staleMs: number;
}

const defaults: LeaseTiming = { pollMs: 100, heartbeatMs: 10_000, staleMs: 60_000 };

interface Lease {
  readonly owner: ProcessOwner;
  readonly token: string;
}

function isLease(value: unknown): value is Lease {
  if (typeof value !== 'object' || value === null) return false;
  const { owner, token } = value as Record<string, unknown>;
  return typeof owner === 'string' && isProcessOwner(owner) && typeof token === 'string';
}

/** What lies in the place of a lease: a file that is none has a holder that nobody knows, and what is no file was put there by no ict. */
type Found = Lease | 'unreadable' | 'no file';

/** Undefined when nothing is there. */
async function readLease(file: string): Promise<Found | undefined> {
  try {
    const value: unknown = JSON.parse((await readRegularFile(file)).toString());
    return isLease(value) ? value : 'unreadable';
  } catch (error) {
    // A link to nothing. What else is there by now is the lease of a process that has just taken the lock.
    if (errnoOf(error) === 'ENOENT') return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true ? 'no file' : undefined;
    if (error instanceof SyntaxError) return 'unreadable';
    if (isNoFile(error)) return 'no file';
    throw error;
  }
}

/** The time of a lease's file, and since when, on this process's own clock, it has been that. */
interface Watch {
  mtimeMs: number | undefined;
  sinceMs: number;
}

/** Sets a lease's time to the file server's own clock, by writing the byte that it begins with again; never through a link. */
async function touch(file: string): Promise<void> {
  await using handle = await open(file, constants.O_RDWR | constants.O_NOFOLLOW);
  await handle.write('{', 0);
}

/**
 * Locks as lease files `{directory}/{name}.lock`, made whole by `link`, so that they work on network file systems too. A lease of
 * this machine is void when its process has ended; one of another machine, when its file was not touched for a minute, by the file
 * server's own clock or, whatever that says, while this process waited. Locks save duplicate work; nothing is wrong when two processes hold one.
 */
export function createLocks(directory: string, owner: ProcessOwner, timing: Partial<LeaseTiming> = {}): Locks {
  const { pollMs, heartbeatMs, staleMs } = { ...defaults, ...timing };
  const beside = (): string => join(directory, `${owner}.${randomBytes(8).toString('hex')}.tmp`);

  async function isVoid(lease: Found, file: string, probe: string, watch: Watch): Promise<boolean> {
    if (lease === 'no file') return true;
    const liveness = lease === 'unreadable' ? 'unknown' : livenessOf(lease.owner);
    if (liveness !== 'unknown') return liveness === 'dead';
    try {
      await touch(probe);
      const [held, fresh] = await Promise.all([stat(file), stat(probe)]);
      if (held.mtimeMs !== watch.mtimeMs) Object.assign(watch, { mtimeMs: held.mtimeMs, sinceMs: performance.now() });
      return fresh.mtimeMs - held.mtimeMs > staleMs || performance.now() - watch.sinceMs > staleMs;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false; // released meanwhile
      throw error;
    }
  }

  /** Takes a void lease away, unless it was replaced meanwhile. */
  async function breakLease(file: string, lease: Found): Promise<void> {
    const aside = beside();
    try {
      await rename(file, aside);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
    const taken = await readLease(aside);
    const same = typeof lease === 'object' ? typeof taken === 'object' && taken.token === lease.token : taken === lease;
    if (!same) await linkNew(aside, file).catch((error: unknown) => giveBack(error, aside, file));
    await rm(aside, { recursive: true, force: true });
  }

  async function acquire(file: string, own: string, options: LockOptions): Promise<void> {
    let told = false;
    const watch: Watch = { mtimeMs: undefined, sinceMs: 0 };
    for (;;) {
      options.signal?.throwIfAborted();
      if (await linkNew(own, file)) return;
      const lease = await readLease(file);
      if (lease === undefined) continue;
      if (await isVoid(lease, file, own, watch)) {
        await breakLease(file, lease);
        continue;
      }
      if (!told && typeof lease === 'object') {
        told = true;
        options.onWait?.(lease.owner);
      }
      try {
        await wait(pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
      } catch (error) {
        options.signal?.throwIfAborted();
        throw error;
      }
    }
  }

  async function release(file: string, own: string, { token }: Lease): Promise<void> {
    const held = await readLease(file);
    if (typeof held === 'object' && held.token === token) await rm(file, { force: true });
    await rm(own, { force: true });
  }

  return {
    async withLock(name, work, options = {}) {
      const file = join(directory, `${pathSegment(name, 'a lock')}.lock`);
      const own = beside();
      const lease: Lease = { owner, token: randomBytes(16).toString('hex') };
      try {
        await writeNewFile(own, JSON.stringify(lease));
        await acquire(file, own, options);
      } catch (error) {
        await rm(own, { force: true });
        throw storageFailure(error, { what: `lock ${name}`, directory });
      }
      const heartbeat = setInterval(() => {
        // `own` is the same file as the lease. A missed beat costs at most duplicate work.
        touch(own).catch(ignoreSystemError);
      }, heartbeatMs);
      heartbeat.unref();
      try {
        return await work();
      } finally {
        clearInterval(heartbeat);
        // One that cannot be removed is void once its process has ended: what was done under it is done.
        await release(file, own, lease).catch(ignoreSystemError);
      }
    },
  };
}
