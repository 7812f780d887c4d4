import { entryKinds, occupiedBytes, type Cache, type CacheEntry, type EntryKind } from '@ict/cache';
import type { CacheListFlags } from '../cache-commands.js';
import { cacheOf, entriesOf, lookAtEach } from '../open-cache.js';
import { entryDocument, isoTime, shortId } from '../cache-entry-text.js';
import { formatBytes, formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { columns, plainText } from '../terminal-text.js';

/** `ict cache list`: every entry, its size and its last use. */
export async function cacheList(session: Session, flags: CacheListFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { cacheDir } = engine;
  const kinds = flags.kind === undefined ? entryKinds : [flags.kind];
  const { own, behind } = await lookAtEach(engine);
  const caches = [...(own === undefined ? [] : [own]), ...behind];
  const found = lastUsedFirst([...((await own?.entriesToShow(kinds)) ?? []), ...(await entriesOf(behind, kinds))]);
  const images = new Map<CacheEntry, CacheEntry>();
  for (const entry of found) if (entry.kind === 'image') images.set(entry, await namedImage(cacheOf(caches, entry), entry));
  const entries = images.size === 0 ? found : found.map((entry) => images.get(entry) ?? entry);
  own?.leave();
  if (session.terminal.json) session.document({ cacheDir, entries: entries.map(entryDocument) });
  else session.result(listText(entries, (entry) => (caches.length === 1 ? '' : `in ${plainText(cacheOf(caches, entry).cacheDir)}`)));
}

/** An image under the names of its disks, or of the file that it was imported from; as it is where its record is damaged. */
async function namedImage({ images }: Cache, entry: CacheEntry): Promise<CacheEntry> {
  const record = await images.record(entry.id);
  if (record === undefined) return entry;
  const name = record.files.flatMap((file) => (file.type === undefined ? [] : [file.name])).join(', ');
  return { ...entry, name: record.origin === 'imported' ? `${name} (imported)` : name };
}

/** Those of one use stay in the order in which they came: comparing a hundred thousand ids would take longer than reading them. */
function lastUsedFirst(entries: readonly CacheEntry[]): readonly CacheEntry[] {
  const byUse = new Map<number, CacheEntry[]>();
  for (const entry of entries) {
    const others = byUse.get(entry.usedAt);
    if (others === undefined) byUse.set(entry.usedAt, [entry]);
    else others.push(entry);
  }
  const sorted: CacheEntry[] = [];
  for (const [, together] of [...byUse].sort(([a], [b]) => b - a)) for (const entry of together) sorted.push(entry);
  return sorted;
}

/** Kinds whose ids say nothing to people. */
const NAMED: ReadonlySet<EntryKind> = new Set(['step', 'memo', 'image']);

/** @param where the directory of an entry, where there are several. */
function listText(entries: readonly CacheEntry[], where: (entry: CacheEntry) => string): string {
  const lines = columns(entries, [
    { head: 'kind', text: ({ kind }) => kind },
    { head: 'id', text: (entry) => plainText(shortId(entry)) },
    // What one build used carries one time, and most files are small.
    { head: 'on disk', text: remembering(({ allocatedBytes }: CacheEntry) => allocatedBytes, formatBytes), right: true },
    { head: 'last used', text: remembering(({ usedAt }: CacheEntry) => usedAt, isoTime) },
    { head: '', text: ({ kind, name }) => (NAMED.has(kind) ? plainText(name) : '') },
    { head: '', text: where },
  ]);
  return `${lines.join('\n')}\n${formatCount(entries.length, 'entry', 'entries')}, ${formatBytes(occupiedBytes(entries))}\n`;
}

/** The text of a number, made once for each. */
function remembering<T>(numberOf: (item: T) => number, textOf: (value: number) => string): (item: T) => string {
  const texts = new Map<number, string>();
  return (item) => {
    const value = numberOf(item);
    let text = texts.get(value);
    if (text === undefined) texts.set(value, (text = textOf(value)));
    return text;
  };
}
