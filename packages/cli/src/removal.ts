import { join } from 'node:path';
import {
  openCache,
  removeWorkspaceEntry,
  workspaceLock,
  type Cache,
  type CacheHome,
  type CachePlaces,
  type CollectedEntry,
  type Collection,
  type Unread,
  type WorkspaceEntry,
} from '@ict/cache';
import { entryDocument } from './views/cache-entry-text.js';
import { findCacheHome, reapCache } from './open-cache.js';
import { formatBytes, formatCount } from './views/quantity.js';
import type { Session } from './session.js';
import { warnUnread } from './unread.js';
import { plainText, table } from './views/terminal-text.js';

/** What was removed, or would be: of the cache, and of the work directory. */
export interface Removal {
  readonly dryRun: boolean;
  readonly cache: Collection;
  readonly workspace: readonly WorkspaceEntry[];
  /** What else could not be looked at. */
  readonly unread: readonly Unread[];
}

export const nothingRemoved: Collection = { removed: [], freedBytes: 0, pinned: 0, unread: [] };

/** Where the cache is that something is removed from; that this is not the configured one, which can only be read, is said. */
export async function findOwnHome(session: Session, places: CachePlaces): Promise<CacheHome> {
  const home = await findCacheHome(places);
  if (home.cacheDir !== places.cacheDir) {
    session.warn({
      code: 'ICT_CACHE_READ_ONLY',
      message: `${places.cacheDir} can only be read, and stays as it is: what is removed is of ${home.cacheDir}`,
      hint: 'To remove something there, run the command as a user who may write there, such as with sudo.',
    });
  }
  return home;
}

/**
 * Removes parts of the work directory, and from the disk what was taken out of the cache.
 *
 * @param cache undefined where there is none.
 * @param isMeant asked once no build holds the directory any more: false for what lies in the place of what was chosen.
 * @returns what stays in the work directory, in directories of other users.
 */
export async function finishRemoval(
  session: Session,
  home: CacheHome,
  workDir: string,
  cache: Cache | undefined,
  workspace: readonly WorkspaceEntry[],
  isMeant: (entry: WorkspaceEntry) => Promise<boolean> = async () => true,
): Promise<readonly WorkspaceEntry[]> {
  if (cache === undefined && workspace.length === 0) return [];
  const locks = cache ?? (await openCache({ ...home, clock: () => Date.now() / 1000 }));
  const stayed = await removeFromWorkspace(session, locks, workDir, workspace, isMeant);
  await reapCache(locks, session);
  return stayed;
}

/** Removes parts of a work directory, after the builds that hold it have ended. */
async function removeFromWorkspace(
  session: Session,
  cache: Cache,
  workDir: string,
  chosen: readonly WorkspaceEntry[],
  isMeant: (entry: WorkspaceEntry) => Promise<boolean>,
): Promise<readonly WorkspaceEntry[]> {
  const { signal } = session;
  const stayed: WorkspaceEntry[] = [];
  for (const provider of new Set(chosen.map((entry) => entry.provider))) {
    const onWait = (): void => session.note(`waiting for a build of ${provider} to end\n`);
    await cache.withLock(
      workspaceLock(join(workDir, provider)),
      async () => {
        for (const entry of chosen) {
          if (entry.provider !== provider || !(await isMeant(entry))) continue;
          const became = await removeWorkspaceEntry(workDir, entry);
          if (became === 'stays') stayed.push(entry);
          if (became === 'aside')
            session.note(`${entry.path} is out of its place, but could not be removed from the disk yet: the next build tries again\n`);
        }
      },
      { signal, onWait },
    );
  }
  return stayed;
}

/** What is taken for removed, and what the work directory keeps after all. */
export function withStayed(removal: Removal, stayed: readonly WorkspaceEntry[]): Removal {
  const { cache, workspace } = removal;
  return {
    ...removal,
    cache: { ...cache, pinned: cache.pinned + stayed.length },
    workspace: workspace.filter((entry) => !stayed.includes(entry)),
  };
}

/** The document and the text of `clean` and `gc`. */
export function reportRemoval(session: Session, { dryRun, cache, workspace, unread: beside }: Removal): void {
  const freedBytes = cache.freedBytes + workspace.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  const { pinned, removed } = cache;
  const unread = [...cache.unread, ...beside];
  warnUnread(session, unread, 'It stays, and whatever it may refer to');
  if (session.terminal.json) {
    session.document({
      dryRun,
      removed: [
        ...removed.map((entry) => ({ ...entryDocument(entry), reason: entry.reason })),
        ...workspace.map(({ kind, id, path, allocatedBytes }) => ({ kind, id, path, allocatedBytes })),
      ],
      freedBytes,
      pinned,
      unread,
    });
    return;
  }
  const lines = [
    ...table(
      [
        ...removed.map(entryRow),
        ...workspace.map(({ id, allocatedBytes }) => ['workspace', plainText(id), formatBytes(allocatedBytes), '']),
      ],
      {
        right: [2],
      },
    ),
    `${formatCount(removed.length + workspace.length, 'entry', 'entries')} ${dryRun ? 'would be removed' : 'removed'}, ${formatBytes(freedBytes)}`,
    ...(pinned === 0
      ? []
      : [
          `${formatCount(pinned, 'entry', 'entries')} stayed: a running build uses them, or they are another user\u2019s, or their file system is only read or in trouble`,
        ]),
  ];
  session.result(`${lines.join('\n')}\n`);
}

function entryRow({ kind, id, allocatedBytes, reason }: CollectedEntry): readonly string[] {
  return [kind, plainText(id), formatBytes(allocatedBytes), reason];
}
