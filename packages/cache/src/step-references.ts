import { readRegularFileSync } from '@ict/integrity';
import type { BlobRef, Json, LayerRef } from '@ict/plugin-api';
import { wasResult } from './blob-record.js';
import { entryName, type CacheEntry } from './inventory.js';
import type { Layout } from './layout.js';
import { taggedReferences } from './tagged-references.js';
import { unlessUnread, type Unseen } from './unread.js';
import type { EntryName } from './usage-journal.js';

/** Layers and blobs that an entry refers to. */
export type References = (entry: CacheEntry) => readonly EntryName[];

/**
 * What the result of a step refers to, read once, when it is first asked for; nothing for other entries. A record that is none refers to
 * nothing: it is a miss.
 *
 * @param unseen is told of records that cannot be read.
 */
export function createReferences(unseen: Unseen): References {
  const known = new Map<CacheEntry, readonly EntryName[]>();
  return (entry) => {
    if (entry.kind !== 'step') return [];
    const found = known.get(entry) ?? readReferences(entry.path, unseen);
    known.set(entry, found);
    return found;
  };
}

/** How many of these refer to each layer and blob. */
export function countReferences(entries: readonly CacheEntry[], references: References): Map<EntryName, number> {
  const uses = new Map<EntryName, number>();
  for (const name of entries.flatMap(references)) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/**
 * Tells blobs that a result names or named, file systems and disks, from metadata: signed indexes and roots, keyrings, and what was read of them.
 *
 * @param steps all results that there are.
 */
export function createResultCheck(
  layout: Pick<Layout, 'record'>,
  steps: readonly CacheEntry[],
  references: References,
): (blob: CacheEntry) => boolean {
  const named = new Set(steps.flatMap(references));
  return (blob) => named.has(entryName(blob)) || wasResult(layout, blob.id);
}

function readReferences(path: string, unseen: Unseen): readonly EntryName[] {
  const text = unlessUnread(path, unseen, () => readRegularFileSync(path).toString());
  if (text === undefined) return [];
  try {
    const { output } = (JSON.parse(text) as { output?: Json } | null) ?? {};
    return output === undefined ? [] : [...new Set(Array.from(taggedReferences(output), nameOf))];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

function nameOf({ kind, digest }: LayerRef | BlobRef): EntryName {
  return entryName({ kind, id: digest.slice(digest.indexOf(':') + 1) });
}
