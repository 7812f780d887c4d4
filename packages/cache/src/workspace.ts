import { randomBytes } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, errnoOf, isReadFailure, isRefusal } from '@ict/integrity';
import { measureDirectory } from './directory-files.js';

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
 * Everything in a work directory that this user may look at; nothing when it is absent.
 *
 * @param unread is told of what a disk or file server in trouble does not let be looked at; without it, the first such thing is an error.
 */
export async function listWorkspace(
  workDir: string,
  unread: (entry: Pick<WorkspaceEntry, 'kind' | 'id' | 'path'>, error: unknown) => void = passOn,
): Promise<readonly WorkspaceEntry[]> {
  const found: WorkspaceEntry[] = [];
  const add = async (kind: WorkspaceEntry['kind'], provider: string, id: string): Promise<void> => {
    const path = join(workDir, id);
    try {
      await look(kind, provider, id, path);
    } catch (error) {
      if (!isReadFailure(error)) throw error;
      unread({ kind, id, path }, error);
    }
  };
  const look = async (kind: WorkspaceEntry['kind'], provider: string, id: string, path: string): Promise<void> => {
    const entry = await lstat(path).catch(unseen);
    if (entry?.isDirectory() !== true) return;
    const changedMs = kind === 'chrootenv' ? ((await lstat(`${path}.json`).catch(unseen))?.mtimeMs ?? entry.ctimeMs) : entry.mtimeMs;
    found.push({ kind, provider, id, path, allocatedBytes: measureDirectory(path), changedAt: Math.floor(changedMs / 1000) });
  };
  for (const provider of await names(workDir)) {
    for (const kind of ['chrootenv', 'chrootbuild'] as const) await add(kind, provider, `${provider}/${kind}`);
    for (const name of await names(join(workDir, provider, 'imagebuild')))
      await add('imagebuild', provider, `${provider}/imagebuild/${name}`);
  }
  return found;
}

/**
 * What became of an entry: it is `gone`; it waits `aside` for the next build of its directory, as files in it belong to other users; or it
 * `stays`, as the directory itself is another user's, or only read.
 */
export type WorkspaceRemoval = 'gone' | 'aside' | 'stays';

/** Removes an entry: at once from its place, then from the disk. The caller holds the lock of its provider's directory. */
export async function removeWorkspaceEntry(workDir: string, entry: WorkspaceEntry): Promise<WorkspaceRemoval> {
  const aside = join(workDir, entry.provider, `${WORKSPACE_LEFTOVER}${randomBytes(8).toString('hex')}`);
  try {
    await rename(entry.path, aside);
  } catch (error) {
    if (isRefusal(error)) return 'stays';
    absent(error);
    return 'gone'; // someone else was faster
  }
  try {
    await rm(aside, { recursive: true, force: true });
    return 'gone';
  } catch (error) {
    if (isRefusal(error)) return 'aside';
    throw error;
  }
}

function passOn(_entry: object, error: unknown): never {
  throw error;
}

async function names(directory: string): Promise<readonly string[]> {
  const found = (await readdir(directory, { withFileTypes: true }).catch(unseen)) ?? [];
  return found.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

/** For what is absent, or belongs to another user who shows it to nobody. */
function unseen(error: unknown): undefined {
  if (errnoOf(error) !== 'EACCES') absent(error);
}

function absent(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
}
