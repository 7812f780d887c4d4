import { stat } from 'node:fs/promises';
import type { AreaUsage } from '@ict/cache';
import { openCache } from '@ict/cache';
import type { CacheFlags } from '../program.js';
import { formatBytes } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict cache du`: how much room each part of the cache takes. */
export async function cacheDu(session: Session, flags: CacheFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { cacheDir } = engine;
  const areas = (await isDirectory(cacheDir)) ? await (await openCache({ cacheDir, clock: () => Date.now() / 1000 })).usage() : [];
  session.document({ cacheDir, areas });
  session.result(usageText(cacheDir, areas));
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

async function isDirectory(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return stats?.isDirectory() === true;
}
