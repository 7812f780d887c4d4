import { eachEntry, entryKinds, gatherUnread, occupiedBytes, tellUnread, type Cache, type Unseen } from '@ict/cache';
import type { CacheListFlags } from '../cache-commands.js';
import { lookAtEach, placeOfEntry } from '../open-cache.js';
import { entryDocument, isoTime, shortId } from '../views/cache-entry-text.js';
import { formatBytes, formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import {
  joined,
  keptWork,
  lastUsedFirst,
  listOf,
  replaced,
  workKinds,
  type KeptEntry,
  type KeptKind,
  type KeptList,
} from '../views/shown-entries.js';
import { columns, plainText } from '../views/terminal-text.js';

/** `ict cache list`: every entry of cache and work directory, its size and its last use. */
export async function cacheList(session: Session, flags: CacheListFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const { cacheDir, workDir } = engine;
  const kinds: readonly KeptKind[] = flags.kind === undefined ? [...entryKinds, ...workKinds] : [flags.kind];
  const cached = entryKinds.filter((kind) => kinds.includes(kind));
  const { unread, unseen } = gatherUnread();
  const { own, behind } = await lookAtEach(engine, unseen);
  const caches = [...(own === undefined ? [] : [own]), ...behind];
  const lists: KeptList[] = [];
  for (const cache of caches) {
    const entries: KeptList = cache === own ? await cache.entriesToShow(cached, unseen) : listOf(await cache.entries(cached, unseen));
    lists.push(await namedImages(cache, entries, unseen));
  }
  own?.leave();
  lists.push(listOf(await keptWork(workDir, unseen, kinds)));
  // Of work directories that are only read, builds take snapshots.
  for (const cache of behind)
    lists.push(listOf(await keptWork(cache.cacheDir, unseen, kinds.includes('chrootbuild') ? ['chrootbuild'] : [])));
  const entries = lastUsedFirst(joined(lists));
  warnUnread(session, unread);
  if (session.terminal.json) session.document({ cacheDir, workDir, entries: Array.from(eachEntry(entries), entryDocument), unread });
  else session.result(listText(entries, (entry) => (caches.length <= 1 ? '' : `in ${plainText(placeOfEntry(caches, workDir, entry))}`)));
}

async function namedImages(cache: Cache, entries: KeptList, unseen: Unseen): Promise<KeptList> {
  const named = new Map<number, KeptEntry>();
  for (let index = 0; index < entries.length; index++) {
    if (entries.kindAt(index) === 'image') named.set(index, await namedImage(cache, entries.at(index), unseen));
  }
  return replaced(entries, named);
}

/** An image under the names of its disks, or of the file that it was imported from; as it is where its record is damaged or cannot be read. */
async function namedImage({ images }: Cache, entry: KeptEntry, unseen: Unseen): Promise<KeptEntry> {
  const record = await images.record(entry.id).catch((error: unknown) => tellUnread(entry.path, unseen, error));
  if (record === undefined) return entry;
  const name = record.files.flatMap((file) => (file.type === undefined ? [] : [file.name])).join(', ');
  return { ...entry, name: record.origin === 'imported' ? `${name} (imported)` : name };
}

/** Kinds whose ids say nothing to people. */
const NAMED: ReadonlySet<KeptKind> = new Set(['step', 'memo', 'image']);

/** Lines that are printed together: each printing costs something, and a text of all lines has to be copied as a whole. */
const LINES = 1000;

/**
 * @param where the directory of an entry, where there are several.
 * @returns pieces of the text.
 */
function* listText(entries: KeptList, where: (entry: KeptEntry) => string): Generator<string, void, undefined> {
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
