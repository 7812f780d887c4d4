import { readFile } from 'node:fs/promises';
import { hasCode } from '@ict/plugin-api';
import type { Context, Digest, Json, Snapshot } from '@ict/plugin-api';
import type { IndexColumns } from './index-columns.js';
import { CONTAINER, decodeColumns, encodeColumns } from './index-container.js';

const KIND = 'deb-index';

/** The columns of a pinned repository's indexes as they were kept, or undefined when they are not to be had: then they are read again. */
export async function recallColumns(pinned: Snapshot, ctx: Context): Promise<IndexColumns | undefined> {
  const digest = digestIn(await ctx.memo.get(KIND, question(pinned)));
  const file = digest && (await ctx.blobs.path(digest));
  if (file === undefined) return undefined;
  try {
    return decodeColumns(await readFile(file));
  } catch (error) {
    if (hasCode(error, 'ICT_PACKAGE_INDEX_INVALID')) return undefined;
    throw error;
  }
}

/** Keeps the columns of a pinned repository's indexes: equal indexes need not be scanned again. */
export async function keepColumns(pinned: Snapshot, columns: IndexColumns, ctx: Context): Promise<void> {
  const { digest } = await ctx.blobs.putBytes(encodeColumns(columns));
  await ctx.memo.set(KIND, question(pinned), { digest });
}

/** What the columns are a function of: the content of the indexes in their order, and paths, which diagnostics name. */
function question({ indexes }: Snapshot): Json {
  return { ...CONTAINER, indexes: indexes.map(({ path, digest, plain }) => ({ path, digest: plain?.digest ?? digest })) };
}

function digestIn(value: Json | undefined): Digest | undefined {
  if (typeof value !== 'object' || value === null || !('digest' in value)) return undefined;
  return typeof value['digest'] === 'string' ? (value['digest'] as Digest) : undefined;
}
