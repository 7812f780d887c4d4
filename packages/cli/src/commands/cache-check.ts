import { gatherUnread, measureDirectory } from '@ict/cache';
import type { CacheCheckFlags } from '../cache-commands.js';
import { cliError } from '../errors.js';
import { formatBytes } from '../views/quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText, table } from '../views/terminal-text.js';

const GIB = 1024 ** 3;
const levels = ['ok', 'warning', 'critical'] as const;

/** `ict cache check`: the exit status is 0, 1 above the first size, 2 above the second, of cache or work directory. */
export async function cacheCheck(session: Session, flags: CacheCheckFlags): Promise<number> {
  const { warnGb, critGb } = flags;
  if (warnGb > critGb) {
    throw cliError('ICT_CLI_USAGE', { message: '--warn-gb is above --crit-gb', hint: 'Warn first: --warn-gb 40 --crit-gb 80.' });
  }
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { unread, unseen } = gatherUnread();
  const directories = [
    { what: 'cache', path: engine.cacheDir },
    { what: 'workspace', path: engine.workDir },
  ].map(({ what, path }) => {
    const allocatedBytes = measureDirectory(path, unseen);
    const status = allocatedBytes > critGb * GIB ? 2 : allocatedBytes > warnGb * GIB ? 1 : 0;
    return { what, path, allocatedBytes, status };
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
