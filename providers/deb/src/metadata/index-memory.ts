import { keepContainer, recallContainer } from '@ict/package-index';
import type { Context, Json, Snapshot } from '@ict/plugin-api';
import type { IndexColumns } from './index-columns.js';
import { CONTAINER, decodeColumns, encodeColumns } from './index-container.js';

/** The columns of a pinned repository's indexes as they were kept, or undefined when they are not to be had: then they are read again. */
export function recallColumns(pinned: Snapshot, ctx: Context): Promise<IndexColumns | undefined> {
  return recallContainer(CONTAINER, question(pinned), ctx, decodeColumns);
}

/** Keeps the columns of a pinned repository's indexes: equal indexes need not be scanned again. */
export function keepColumns(pinned: Snapshot, columns: IndexColumns, ctx: Context): Promise<void> {
  return keepContainer(CONTAINER, question(pinned), ctx, encodeColumns(columns));
}

/** What the columns are a function of: the content of the indexes in their order, and paths, which diagnostics name. */
function question({ indexes }: Snapshot): Json {
  return indexes.map(({ path, digest, plain }) => ({ path, digest: plain?.digest ?? digest }));
}
