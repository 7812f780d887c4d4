import type { AreaUsage, Cache } from '@ict/cache';
import type { CacheDuFlags } from '../cache-commands.js';
import { findCacheHome, changeCache, lookBehind } from '../open-cache.js';
import { formatBytes } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict cache du`: how much room each part of the cache takes, or the packages of each provider. */
export async function cacheDu(session: Session, flags: CacheDuFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const home = await findCacheHome(engine);
  const { cacheDir } = home;
  const measure = async (cache: Cache | undefined): Promise<readonly AreaUsage[]> => {
    const usage = (await cache?.usage()) ?? [];
    return flags.by === 'provider' ? byProvider(usage) : usage;
  };
  const areas = await measure(await changeCache(home, true));
  const readOnly: { readonly cacheDir: string; readonly areas: readonly AreaUsage[] }[] = [];
  for (const cache of await lookBehind(home)) readOnly.push({ cacheDir: cache.cacheDir, areas: await measure(cache) });
  session.document({ cacheDir, areas, readOnly });
  const others = readOnly.map((one) => `\n${usageText(`${one.cacheDir}, only read`, one.areas)}`);
  session.result([usageText(cacheDir, areas), ...others].join(''));
}

const PACKAGES = 'packages/';

/** Only the package caches, under their providers' names. */
function byProvider(usage: readonly AreaUsage[]): readonly AreaUsage[] {
  return usage.filter(({ area }) => area.startsWith(PACKAGES)).map((area) => ({ ...area, area: area.area.slice(PACKAGES.length) }));
}

/** One line an area, then where they lie and what they take together, as `du` says it: a file that two of them have counts once. */
export function usageText(place: string, areas: readonly AreaUsage[]): string {
  const rows = areas.map(({ area, files, allocatedBytes, unreadable }) => [
    formatBytes(allocatedBytes),
    `${files}`,
    `${plainText(area)}${unreadable === 0 ? '' : ` (${unreadable} directories cannot be read)`}`,
  ]);
  const sum = (value: (area: AreaUsage) => number): number => areas.reduce((total, area) => total + value(area), 0);
  const total = [formatBytes(sum((area) => area.allocatedBytes - area.sharedBytes)), `${sum((area) => area.files)}`, plainText(place)];
  return `${table([['on disk', 'files', 'part'], ...rows, total], { right: [0, 1] }).join('\n')}\n`;
}
