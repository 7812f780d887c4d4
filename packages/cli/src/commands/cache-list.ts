import { eachEntry, entryKinds, occupiedBytes, type Cache, type CacheEntry, type EntryKind, type EntryList } from '@ict/cache';
import type { CacheListFlags } from '../cache-commands.js';
import { cacheOf, lookAtEach } from '../open-cache.js';
import { entryDocument, isoTime, shortId } from '../cache-entry-text.js';
import { formatBytes, formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { joined, lastUsedFirst, listOf, replaced } from '../shown-entries.js';
import { columns, plainText } from '../terminal-text.js';

/** `ict cache list`: every entry, its size and its last use. */
export async function cacheList(session: Session, flags: CacheListFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const { cacheDir } = engine;
  const kinds = flags.kind === undefined ? entryKinds : [flags.kind];
  const { own, behind } = await lookAtEach(engine);
  const caches = [...(own === undefined ? [] : [own]), ...behind];
  const lists: EntryList[] = [];
  for (const cache of caches) {
    const entries = cache === own ? await cache.entriesToShow(kinds) : listOf(await cache.entries(kinds));
    lists.push(await namedImages(cache, entries));
  }
  own?.leave();
  const entries = lastUsedFirst(joined(lists));
  if (session.terminal.json) session.document({ cacheDir, entries: Array.from(eachEntry(entries), entryDocument) });
  else session.result(listText(entries, (entry) => (caches.length === 1 ? '' : `in ${plainText(cacheOf(caches, entry).cacheDir)}`)));
}

async function namedImages(cache: Cache, entries: EntryList): Promise<EntryList> {
  const named = new Map<number, CacheEntry>();
  for (let index = 0; index < entries.length; index++) {
    if (entries.kindAt(index) === 'image') named.set(index, await namedImage(cache, entries.at(index)));
  }
  return replaced(entries, named);
}

/** An image under the names of its disks, or of the file that it was imported from; as it is where its record is damaged. */
async function namedImage({ images }: Cache, entry: CacheEntry): Promise<CacheEntry> {
  const record = await images.record(entry.id);
  if (record === undefined) return entry;
  const name = record.files.flatMap((file) => (file.type === undefined ? [] : [file.name])).join(', ');
  return { ...entry, name: record.origin === 'imported' ? `${name} (imported)` : name };
}

/** Kinds whose ids say nothing to people. */
const NAMED: ReadonlySet<EntryKind> = new Set(['step', 'memo', 'image']);

/** Lines that are printed together: each printing costs something, and a text of all lines has to be copied as a whole. */
const LINES = 1000;

/**
 * @param where the directory of an entry, where there are several.
 * @returns pieces of the text.
 */
function* listText(entries: EntryList, where: (entry: CacheEntry) => string): Generator<string, void, undefined> {
  const sizeText = remembering(formatBytes);
  const timeText = remembering(isoTime);
  const lines = columns(entries, [
    { head: 'kind', text: ({ kind }) => kind },
    { head: 'id', text: (entry) => plainText(shortId(entry)) },
    // What one build used carries one time, and most files are small.
    { head: 'on disk', text: ({ allocatedBytes }) => sizeText(allocatedBytes), right: true },
    { head: 'last used', text: ({ usedAt }) => timeText(usedAt) },
    { head: '', text: ({ kind, name }) => (NAMED.has(kind) ? plainText(name) : '') },
    { head: '', text: where },
  ]);
  let piece: string[] = [];
  for (const line of lines) {
    piece.push(line, '\n');
    if (piece.length < LINES * 2) continue;
    yield piece.join('');
    piece = [];
  }
  yield `${piece.join('')}${formatCount(entries.length, 'entry', 'entries')}, ${formatBytes(occupiedBytes(eachEntry(entries)))}\n`;
}

/** The text of a number, made once for each. */
function remembering(textOf: (value: number) => string): (value: number) => string {
  const texts = new Map<number, string>();
  return (value) => {
    let text = texts.get(value);
    if (text === undefined) texts.set(value, (text = textOf(value)));
    return text;
  };
}
