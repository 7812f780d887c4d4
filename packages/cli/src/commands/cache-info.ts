import { readFile } from 'node:fs/promises';
import { packageId, type Cache, type CacheEntry } from '@ict/cache';
import { entryDocument, findEntry, isoTime, shortId } from '../cache-entry-text.js';
import { cacheOf, entriesOf, lookAtCaches } from '../open-cache.js';
import type { CacheFlags } from '../flag-types.js';
import { formatBytes } from '../quantity.js';
import type { Session } from '../session.js';
import { resolveSettings } from '../settings.js';
import { plainText } from '../terminal-text.js';

/** `ict cache info`: one entry with its record, for a result the whole tree of its inputs. */
export async function cacheInfo(session: Session, id: string, flags: CacheFlags): Promise<void> {
  const { engine } = await resolveSettings(session.surroundings, { ...flags, hostMirrors: true });
  const caches = await lookAtCaches(engine);
  const entries = await entriesOf(caches);
  const entry = findEntry(entries, id);
  const record = await recordOf(cacheOf(caches, entry), entry);
  const usedBy = entries.filter(({ kind }) => kind === 'step').length === 0 ? [] : await usersOf(entries, entry);
  session.document({ ...entryDocument(entry), usedBy: usedBy.map((step) => ({ id: step.id, name: step.name })), record: record ?? null });
  const lines = [
    `${entry.kind} ${plainText(entry.id)}`,
    `  path       ${plainText(entry.path)}`,
    `  on disk    ${formatBytes(entry.allocatedBytes)}`,
    `  last used  ${isoTime(entry.usedAt)}`,
    ...usedBy.map((step) => `  result of  ${plainText(step.name)} ${shortId(step)}`),
    ...(record === undefined ? [] : tree(record, 1)),
  ];
  session.result(`${lines.join('\n')}\n`);
}

/** What the index says of an entry: a JSON document; undefined where there is none. */
async function recordOf(cache: Cache, entry: CacheEntry): Promise<unknown> {
  switch (entry.kind) {
    case 'package':
      for await (const record of cache.packageIndex.entries(entry.provider as string)) {
        if (packageId(entry.provider as string, record.fileName) === entry.id) return record;
      }
      return undefined;
    case 'twin':
      return cache.twinEntry(entry.provider as string, entry.name);
    case 'step':
    case 'memo':
      return readJson(entry.path);
    case 'image':
      return readJson(`${entry.path}/meta.json`);
    default:
      return undefined;
  }
}

/** The results that refer to a layer or a file. */
async function usersOf(entries: readonly CacheEntry[], { kind, id }: CacheEntry): Promise<readonly CacheEntry[]> {
  if (kind !== 'layer' && kind !== 'blob') return [];
  const found: CacheEntry[] = [];
  for (const step of entries) if (step.kind === 'step' && (await readFile(step.path, 'utf8')).includes(`sha256:${id}`)) found.push(step);
  return found;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // A record that cannot be read is none: the entry is a miss.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A document as an indented list of its members. */
function tree(value: unknown, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  return Object.entries(value as object).flatMap(([key, member]: [string, unknown]) =>
    typeof member === 'object' && member !== null && Object.keys(member).length > 0
      ? [`${indent}${plainText(key)}`, ...tree(member, depth + 1)]
      : [`${indent}${plainText(key)}  ${plainText(typeof member === 'string' ? member : JSON.stringify(member))}`],
  );
}
