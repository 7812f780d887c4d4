import { realpath } from 'node:fs/promises';
import { gatherUnread, measureDirectory, tellUnread, unreadable, type Unseen } from '@ict/cache';
import type { CacheCheckFlags } from '../cache-commands.js';
import { cliError } from '../errors.js';
import { isDirectory } from '../open-cache.js';
import { formatBytes } from '../views/quantity.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText, table } from '../views/terminal-text.js';

const GIB = 1024 ** 3;
const levels = ['ok', 'warning', 'critical'] as const;

/** `ict cache check`: the exit status is 0, 1 above the first size, 2 above the second, of cache or work directory; that of a failure is neither. */
export async function cacheCheck(session: Session, flags: CacheCheckFlags): Promise<number> {
  const { warnGb, critGb } = flags;
  if (warnGb > critGb) {
    throw cliError('ICT_CLI_USAGE', { message: '--warn-gb is above --crit-gb', hint: 'Warn first: --warn-gb 40 --crit-gb 80.' });
  }
  const { engine } = await takeSettings(session, flags);
  const { unread, unseen } = gatherUnread();
  const { cacheDir, workDir } = engine;
  const directories = [
    { what: 'cache', path: cacheDir, allocatedBytes: await cacheBytes(cacheDir, unseen) },
    { what: 'workspace', path: workDir, allocatedBytes: await workBytes(workDir, unseen) },
  ].map((directory) => {
    const { allocatedBytes } = directory;
    return { ...directory, status: allocatedBytes > critGb * GIB ? 2 : allocatedBytes > warnGb * GIB ? 1 : 0 };
  });
  const status = Math.max(...directories.map((directory) => directory.status));
  warnUnread(session, unread);
  session.document({ status, warnGb, critGb, directories, unread });
  const rows = directories.map((directory) => [
    levels[directory.status] as string,
    directory.what,
    formatBytes(directory.allocatedBytes),
    plainText(directory.path),
  ]);
  const advice = status === 0 ? '' : 'Make room with `ict cache gc` or `ict cache clean`.\n';
  session.result(`${table(rows, { right: [2] }).join('\n')}\n${advice}`);
  return status;
}

/**
 * What a cache takes, which may lie behind a link.
 *
 * @throws `ICT_CACHE_UNREADABLE` where something else lies there, or it cannot be read as a whole.
 */
async function cacheBytes(cacheDir: string, unseen: Unseen): Promise<number> {
  if (!(await isDirectory(cacheDir))) return 0;
  const real = await realpath(cacheDir).catch((error: unknown) => Promise.reject(unreadable(cacheDir, error)));
  return measureDirectory(real, (path, error) => {
    if (path === real) throw unreadable(cacheDir, error);
    unseen(path, error);
  });
}

/** What a work directory takes, likewise; `unseen` is told where it cannot be read as a whole. */
async function workBytes(workDir: string, unseen: Unseen): Promise<number> {
  const real = await realpath(workDir).catch((error: unknown) => tellUnread(workDir, unseen, error));
  return real === undefined ? 0 : measureDirectory(real, unseen);
}
