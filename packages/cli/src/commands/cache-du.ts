import type { AreaUsage } from '@ict/cache';
import type { CacheDuFlags } from '../cache-commands.js';
import { lookAtCache } from '../open-cache.js';
import { formatBytes } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict cache du`: how much room each part of the cache takes, or the packages of each provider. */
export async function cacheDu(session: Session, flags: CacheDuFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { cacheDir } = engine;
  const usage = (await (await lookAtCache(cacheDir))?.usage()) ?? [];
  const areas = flags.by === 'provider' ? byProvider(usage) : usage;
  session.document({ cacheDir, areas });
  session.result(usageText(cacheDir, areas));
}

const PACKAGES = 'packages/';

/** Only the package caches, under their providers' names. */
function byProvider(usage: readonly AreaUsage[]): readonly AreaUsage[] {
  return usage.filter(({ area }) => area.startsWith(PACKAGES)).map((area) => ({ ...area, area: area.area.slice(PACKAGES.length) }));
}

/** One line an area, then the sum and where it lies. */
export function usageText(cacheDir: string, areas: readonly AreaUsage[]): string {
  const rows = areas.map(({ area, files, allocatedBytes, unreadable }) => [
    formatBytes(allocatedBytes),
    `${files}`,
    `${plainText(area)}${unreadable === 0 ? '' : ` (${unreadable} directories cannot be read)`}`,
  ]);
  const sum = (value: (area: AreaUsage) => number): number => areas.reduce((total, area) => total + value(area), 0);
  const total = [formatBytes(sum((area) => area.allocatedBytes)), `${sum((area) => area.files)}`, plainText(cacheDir)];
  return `${table([['on disk', 'files', 'part'], ...rows, total], { right: [0, 1] }).join('\n')}\n`;
}
