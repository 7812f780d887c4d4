import { gatherUnread, measureWorkspace, type AreaUsage, type Cache } from '@ict/cache';
import type { CacheDuFlags } from '../cache-commands.js';
import { findCacheHome, changeCache, lookBehind } from '../open-cache.js';
import { formatBytes } from '../views/quantity.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText, table } from '../views/terminal-text.js';

/** `ict cache du`: how much room each part of cache and work directory takes, or all that each provider has in them. */
export async function cacheDu(session: Session, flags: CacheDuFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const home = await findCacheHome(engine);
  const { unread, unseen } = gatherUnread();
  const { cacheDir } = home;
  const { workDir } = engine;
  const measure = async (cache: Cache | undefined): Promise<readonly AreaUsage[]> => (await cache?.usage(unseen, flags.by)) ?? [];
  const areas = await measure(await changeCache(home, true));
  const workspace = { workDir, areas: await measureWorkspace(workDir, unseen, flags.by) };
  const readOnly: { readonly cacheDir: string; readonly areas: readonly AreaUsage[] }[] = [];
  for (const cache of await lookBehind(home, unseen)) readOnly.push({ cacheDir: cache.cacheDir, areas: await measure(cache) });
  warnUnread(session, unread);
  session.document({ cacheDir, areas, workspace, readOnly, unread });
  const others = readOnly.map((one) => usageText(`${one.cacheDir}, only read`, one.areas));
  session.result([usageText(cacheDir, areas), usageText(workDir, workspace.areas), ...others].join('\n'));
}

/** One line an area, then where they lie and what they take together, as `du` says it: a file that two of them have counts once. */
export function usageText(place: string, areas: readonly AreaUsage[]): string {
  const rows = areas.map(({ area, files, allocatedBytes, unreadable }) => [
    formatBytes(allocatedBytes),
    `${files}`,
    `${plainText(area)}${unreadable === 0 ? '' : ` (${unreadable} in it cannot be read)`}`,
  ]);
  const sum = (value: (area: AreaUsage) => number): number => areas.reduce((total, area) => total + value(area), 0);
  const total = [formatBytes(sum((area) => area.allocatedBytes - area.sharedBytes)), `${sum((area) => area.files)}`, plainText(place)];
  return `${table([['on disk', 'files', 'part'], ...rows, total], { right: [0, 1] }).join('\n')}\n`;
}
