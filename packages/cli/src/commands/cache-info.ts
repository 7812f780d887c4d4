import { gatherUnread, packageId, tellUnread, type Cache, type CacheEntry, type Unseen } from '@ict/cache';
import { readRegularFile } from '@ict/integrity';
import { entryDocument, findEntry, isoTime, shortId } from '../views/cache-entry-text.js';
import { cacheOf, entriesOf, lookAtEach } from '../open-cache.js';
import { keptWork, type KeptEntry } from '../views/shown-entries.js';
import type { CacheFlags } from '../flag-types.js';
import { formatBytes } from '../views/quantity.js';
import type { Session } from '../session.js';
import { takeSettings } from '../settings.js';
import { warnUnread } from '../unread.js';
import { plainText } from '../views/terminal-text.js';

/** `ict cache info`: one entry with its record, for a result the whole tree of its inputs. */
export async function cacheInfo(session: Session, id: string, flags: CacheFlags): Promise<void> {
  const { engine } = await takeSettings(session, flags);
  const { unread, unseen } = gatherUnread();
  const { own, behind } = await lookAtEach(engine, unseen);
  const caches = own === undefined ? behind : [own, ...behind];
  const entries: KeptEntry[] = [...(await entriesOf(caches, unseen)), ...(await keptWork(engine.workDir, unseen))];
  for (const { cacheDir } of behind) entries.push(...(await keptWork(cacheDir, unseen, ['chrootbuild'])));
  warnUnread(session, unread);
  const told = unread.length;
  const entry = findEntry(entries, id);
  const record = await recordOf(caches, entry, unseen);
  const usedBy = await usersOf(entries, digestOfEntry(entry, record), unseen);
  warnUnread(session, unread.slice(told));
  const users = usedBy.map((step) => ({ id: step.id, name: step.name }));
  session.document({ ...entryDocument(entry), usedBy: users, record: record ?? null, unread });
  const lines = [
    `${entry.kind} ${plainText(entry.id)}`,
    `  path       ${plainText(entry.path)}`,
    `  on disk    ${formatBytes(entry.allocatedBytes)}`,
    `  last used  ${isoTime(entry.usedAt)}`,
    ...usedBy.map((step) => `  result of  ${plainText(step.name)} ${shortId(step)}`),
    ...tree(record ?? {}, 1),
  ];
  session.result(`${lines.join('\n')}\n`);
}

/** What the index says of an entry: a JSON document; undefined where there is none. */
async function recordOf(caches: readonly Cache[], entry: KeptEntry, unseen: Unseen): Promise<unknown> {
  switch (entry.kind) {
    case 'chrootenv':
      return treeRecord(await readJson(`${entry.path}.json`, unseen));
    case 'chrootbuild':
      return readJson(`${entry.path}/chrootenv.json`, unseen);
    case 'imagebuild':
      return undefined;
    default:
      return cacheRecord(cacheOf(caches, entry), entry, unseen);
  }
}

/** Of the record of a base tree what is not a list of its files; undefined for one that is none. */
function treeRecord(record: unknown): unknown {
  const { manifest, user } = (record ?? {}) as {
    readonly manifest?: { readonly digest?: string; readonly entries?: unknown } | null;
    readonly user?: number;
  };
  if (!Array.isArray(manifest?.entries)) return undefined;
  return { digest: manifest.digest, entries: manifest.entries.length, ...(user === undefined ? {} : { user }) };
}

async function cacheRecord(cache: Cache, entry: CacheEntry, unseen: Unseen): Promise<unknown> {
  switch (entry.kind) {
    case 'package':
      for await (const record of cache.packageEntries.entries(entry.provider as string, unseen)) {
        if (packageId(entry.provider as string, record.fileName) === entry.id) return record;
      }
      return undefined;
    case 'twin':
      return cache.twinEntry(entry.provider as string, entry.name).catch((error: unknown) => tellUnread(entry.path, unseen, error));
    case 'step':
    case 'memo':
      return readJson(entry.path, unseen);
    case 'image':
      return readJson(`${entry.path}/meta.json`, unseen);
    default:
      return undefined;
  }
}

/** What results call a layer, a file, a base tree or its snapshot; undefined for other entries, and where no record says it. */
function digestOfEntry({ kind, id }: KeptEntry, record: unknown): string | undefined {
  if (kind === 'layer' || kind === 'blob') return `sha256:${id}`;
  return kind === 'chrootenv' || kind === 'chrootbuild' ? (record as { digest?: string } | undefined)?.digest : undefined;
}

/** The results that refer to a digest. */
async function usersOf(entries: readonly KeptEntry[], digest: string | undefined, unseen: Unseen): Promise<readonly KeptEntry[]> {
  if (digest === undefined) return [];
  const found: KeptEntry[] = [];
  for (const step of entries) if (step.kind === 'step' && (await readText(step.path, unseen))?.includes(digest) === true) found.push(step);
  return found;
}

async function readJson(path: string, unseen: Unseen): Promise<unknown> {
  const text = await readText(path, unseen);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // a record that is none: the entry is a miss
    throw error;
  }
}

/** Undefined for what is gone, and for what `unseen` is told of. */
function readText(path: string, unseen: Unseen): Promise<string | undefined> {
  return readRegularFile(path)
    .then(String)
    .catch((error: unknown) => tellUnread(path, unseen, error));
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
