import { gatherUnread, measureWorkspace, type AreaUsage, type Cache } from '@ict/cache';
import type { CacheDuFlags } from '../cache-commands.js';
import { findCacheHome, changeCache, lookBehind } from '../open-cache.js';
import { formatBytes } from '../views/quantity.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText, table } from '../views/terminal-text.js';

/** `ict cache du`: how much room each part of cache and work directory takes, or the packages and the work directory of each provider. */
export async function cacheDu(session: Session, flags: CacheDuFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const home = await findCacheHome(engine);
  const { unread, unseen } = gatherUnread();
  const { cacheDir } = home;
  const { workDir } = engine;
  const measure = async (cache: Cache | undefined): Promise<readonly AreaUsage[]> => {
    const usage = (await cache?.usage(unseen)) ?? [];
    return flags.by === 'provider' ? byProvider(usage) : usage;
  };
  const areas = await measure(await changeCache(home, true));
  const kept = await measureWorkspace(workDir, unseen);
  const workspace = { workDir, areas: flags.by === 'provider' ? sumByProvider(kept) : kept };
  const readOnly: { readonly cacheDir: string; readonly areas: readonly AreaUsage[] }[] = [];
  for (const cache of await lookBehind(home, unseen)) readOnly.push({ cacheDir: cache.cacheDir, areas: await measure(cache) });
  warnUnread(session, unread);
  session.document({ cacheDir, areas, workspace, readOnly, unread });
  const others = readOnly.map((one) => usageText(`${one.cacheDir}, only read`, one.areas));
  session.result([usageText(cacheDir, areas), usageText(workDir, workspace.areas), ...others].join('\n'));
}

const PACKAGES = 'packages/';

/** Only the package caches, under their providers' names. */
function byProvider(usage: readonly AreaUsage[]): readonly AreaUsage[] {
  return usage.filter(({ area }) => area.startsWith(PACKAGES)).map((area) => ({ ...area, area: area.area.slice(PACKAGES.length) }));
}

/** What each provider keeps in a work directory. */
function sumByProvider(usage: readonly AreaUsage[]): readonly AreaUsage[] {
  const providers = Map.groupBy(usage, ({ area }) => area.split('/', 1)[0] as string);
  return Array.from(providers, ([area, parts]) => {
    const sum = (name: Exclude<keyof AreaUsage, 'area'>): number => parts.reduce((total, part) => total + part[name], 0);
    return {
      area,
      files: sum('files'),
      sizeBytes: sum('sizeBytes'),
      allocatedBytes: sum('allocatedBytes'),
      sharedBytes: sum('sharedBytes'),
      unreadable: sum('unreadable'),
    };
  });
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
