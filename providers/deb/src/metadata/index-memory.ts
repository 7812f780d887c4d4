import { keepContainer, recallContainer } from '@ict/package-index';
import type { Context, Json, Snapshot } from '@ict/plugin-api';
import type { IndexDirectory } from './index-directory.js';
import { CONTAINER, decodeDirectory, encodeDirectory } from './index-container.js';

/** The directory of a pinned repository's indexes as it was kept, or undefined when it is not to be had: then they are read again. */
export function recallDirectory(pinned: Snapshot, ctx: Context): Promise<IndexDirectory | undefined> {
  return recallContainer(CONTAINER, question(pinned), ctx, decodeDirectory);
}

/** Keeps the directory of a pinned repository's indexes: equal indexes need not be scanned again. */
export function keepDirectory(pinned: Snapshot, directory: IndexDirectory, ctx: Context): Promise<void> {
  return keepContainer(CONTAINER, question(pinned), ctx, encodeDirectory(directory));
}

/** What a directory is a function of: the content of the indexes in their order, and paths, which diagnostics name. */
function question({ indexes }: Snapshot): Json {
  return indexes.map(({ path, digest, plain }) => ({ path, digest: plain?.digest ?? digest }));
}
