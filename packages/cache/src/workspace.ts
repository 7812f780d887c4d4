import { randomBytes } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, errnoOf, ignoreSystemError, isReadFailure } from '@ict/integrity';
import { measure } from './directory-files.js';
import { tellUnread, type Unseen } from './unread.js';

/** Something that builds keep below `work_dir/{provider-id}`. */
export interface WorkspaceEntry {
  /** The base tree, its snapshot, or what the last build of one system configuration delivered. */
  readonly kind: 'chrootenv' | 'chrootbuild' | 'imagebuild';
  readonly provider: string;
  /** `{provider-id}/chrootenv`, `{provider-id}/imagebuild/{systemConfig.name}` */
  readonly id: string;
  readonly path: string;
  readonly allocatedBytes: number;
  /** Seconds since 1970 of its last change; of a base tree, whose own times are those of the image, when it was put there or last found unchanged. */
  readonly changedAt: number;
}

/** What a build that is being interrupted, or something that is being removed, is called until the next build takes it away. */
export const WORKSPACE_LEFTOVER = '.stage-';

/** The lock that the builds of one `work_dir/{provider-id}` hold. */
export function workspaceLock(directory: string): string {
  return `work-${digestOf(directory).slice(-16)}`;
}

/**
 * Everything in a work directory; nothing when it is absent.
 *
 * @param unseen is told of entries, and directories of them, that cannot be looked at: they are left out.
 */
export async function listWorkspace(workDir: string, unseen: Unseen): Promise<readonly WorkspaceEntry[]> {
  const found: WorkspaceEntry[] = [];
  const add = async (kind: WorkspaceEntry['kind'], provider: string, id: string): Promise<void> => {
    const path = join(workDir, id);
    try {
      const entry = await lstat(path);
      if (!entry.isDirectory()) return;
      const changedMs = kind === 'chrootenv' ? ((await lstat(`${path}.json`).catch(absent))?.mtimeMs ?? entry.ctimeMs) : entry.mtimeMs;
      const allocatedBytes = measure(path)?.allocatedBytes ?? 0;
      found.push({ kind, provider, id, path, allocatedBytes, changedAt: Math.floor(changedMs / 1000) });
    } catch (error) {
      tellUnread(path, unseen, error);
    }
  };
  for (const provider of await names(workDir, unseen)) {
    for (const kind of ['chrootenv', 'chrootbuild'] as const) await add(kind, provider, `${provider}/${kind}`);
    for (const name of await names(join(workDir, provider, 'imagebuild'), unseen))
      await add('imagebuild', provider, `${provider}/imagebuild/${name}`);
  }
  return found;
}

/**
 * What became of an entry: it is `gone`; it waits `aside` for the next build of its directory, as files in it belong to other users, or their
 * disk is in trouble; or it `stays`, as the directory itself is another user's, only read, or on such a disk.
 */
export type WorkspaceRemoval = 'gone' | 'aside' | 'stays';

/** Removes an entry: at once from its place, then from the disk. The caller holds the lock of its provider's directory. */
export async function removeWorkspaceEntry(workDir: string, entry: WorkspaceEntry): Promise<WorkspaceRemoval> {
  const aside = join(workDir, entry.provider, `${WORKSPACE_LEFTOVER}${randomBytes(8).toString('hex')}`);
  try {
    await rename(entry.path, aside);
  } catch (error) {
    if (isReadFailure(error)) return 'stays';
    absent(error);
    return 'gone'; // someone else was faster
  }
  try {
    await rm(aside, { recursive: true, force: true });
    return 'gone';
  } catch (error) {
    ignoreSystemError(error);
    return 'aside';
  }
}

async function names(directory: string, unseen: Unseen): Promise<readonly string[]> {
  const entries = readdir(directory, { withFileTypes: true });
  const found = (await entries.catch((error: unknown) => tellUnread(directory, unseen, error))) ?? [];
  return found.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

function absent(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
}
