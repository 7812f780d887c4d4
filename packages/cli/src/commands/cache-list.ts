import { entryKinds, type CacheEntry } from '@ict/cache';
import type { CacheListFlags } from '../cache-commands.js';
import { cacheOf, entriesOf, lookAtCaches } from '../open-cache.js';
import { entryDocument, isoTime, shortId } from '../cache-entry-text.js';
import { formatBytes, formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText, table } from '../terminal-text.js';

/** `ict cache list`: every entry, its size and its last use. */
export async function cacheList(session: Session, flags: CacheListFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { cacheDir } = engine;
  const caches = await lookAtCaches(engine);
  const found = await entriesOf(caches, flags.kind === undefined ? entryKinds : [flags.kind]);
  const entries = [...found].sort((a, b) => b.usedAt - a.usedAt || (a.id < b.id ? -1 : 1));
  if (session.terminal.json) session.document({ cacheDir, entries: entries.map(entryDocument) });
  else session.result(listText(entries, (entry) => (caches.length === 1 ? '' : `in ${plainText(cacheOf(caches, entry).cacheDir)}`)));
}

/** @param where the directory of an entry, where there are several. */
function listText(entries: readonly CacheEntry[], where: (entry: CacheEntry) => string): string {
  const times = new Map<number, string>(); // what one build used carries one time
  const timeOf = (seconds: number): string => {
    const text = times.get(seconds) ?? isoTime(seconds);
    times.set(seconds, text);
    return text;
  };
  const rows = entries.map((entry) => [
    entry.kind,
    plainText(shortId(entry)),
    formatBytes(entry.allocatedBytes),
    timeOf(entry.usedAt),
    entry.kind === 'step' || entry.kind === 'memo' ? plainText(entry.name) : '',
    where(entry),
  ]);
  const total = entries.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  const lines = table([['kind', 'id', 'on disk', 'last used', '', ''], ...rows], { right: [2] });
  return `${lines.join('\n')}\n${formatCount(entries.length, 'entry', 'entries')}, ${formatBytes(total)}\n`;
}
