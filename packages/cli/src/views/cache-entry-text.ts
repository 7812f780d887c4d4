import { cliError } from '../errors.js';
import { isWorkKind, type KeptEntry } from './shown-entries.js';

/** Hex digits of an id that tell entries apart well enough for people; `info` takes any beginning. */
const SHORT = 12;

/** An entry as documents show it. */
export function entryDocument({ kind, id, name, provider, path, allocatedBytes, usedAt }: KeptEntry) {
  return { kind, id, name, ...(provider === undefined ? {} : { provider }), path, allocatedBytes, lastUsed: isoTime(usedAt) };
}

/** `2026-01-31T12:00:00Z` */
export function isoTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)}Z`;
}

/** An entry's id as short as people need it. */
export function shortId({ kind, id }: Pick<KeptEntry, 'kind' | 'id'>): string {
  return kind === 'package' || kind === 'twin' || kind === 'metadata' || kind === 'mount' || isWorkKind(kind) ? id : id.slice(0, SHORT);
}

/**
 * The entry that an id, a name or the beginning of either means; of several caches, that of the first which has it.
 *
 * @throws `ICT_CLI_CACHE_UNKNOWN`, `ICT_CLI_CACHE_AMBIGUOUS`
 */
export function findEntry<Entry extends KeptEntry>(entries: readonly Entry[], text: string): Entry {
  const exact = entries.filter(({ id, name, kind }) => id === text || (kind === 'package' && name === text));
  const meant =
    exact.length > 0 ? exact : entries.filter(({ id, name, kind }) => id.startsWith(text) || (kind === 'package' && name.startsWith(text)));
  const found = [...new Map(meant.toReversed().map((entry) => [`${entry.kind} ${entry.id}`, entry])).values()].toReversed();
  const [entry, ...others] = found;
  if (entry === undefined) {
    throw cliError('ICT_CLI_CACHE_UNKNOWN', {
      message: `nothing in the cache is called ${JSON.stringify(text)}`,
      hint: '`ict cache list` shows what there is.',
      facts: { id: text },
    });
  }
  if (others.length > 0) {
    throw cliError('ICT_CLI_CACHE_AMBIGUOUS', {
      message: `${found.length} entries begin with ${JSON.stringify(text)}: ${found
        .slice(0, 5)
        .map((one) => `${one.kind} ${one.id}`)
        .join(', ')}${found.length > 5 ? ', ...' : ''}`,
      hint: 'Give more of the id.',
      facts: { id: text, count: found.length },
    });
  }
  return entry;
}
