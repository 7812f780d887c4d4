import type { CacheEntry, EntryList } from '@ict/cache';

export function listOf(entries: readonly CacheEntry[]): EntryList {
  const at = (index: number): CacheEntry => entries[index] as CacheEntry;
  return { length: entries.length, kindAt: (index) => at(index).kind, usedAt: (index) => at(index).usedAt, at };
}

/** Several lists, one after the other. */
export function joined(lists: readonly EntryList[]): EntryList {
  return lists.reduce(afterOther, listOf([]));
}

/** Those of one use stay in the order in which they came: comparing a hundred thousand ids would take longer than reading them. */
export function lastUsedFirst(entries: EntryList): EntryList {
  const byUse = new Map<number, number[]>();
  for (let index = 0; index < entries.length; index++) {
    const usedAt = entries.usedAt(index);
    const others = byUse.get(usedAt);
    if (others === undefined) byUse.set(usedAt, [index]);
    else others.push(index);
  }
  const order = new Uint32Array(entries.length);
  let length = 0;
  for (const [, together] of [...byUse].sort(([a], [b]) => b - a)) {
    order.set(together, length);
    length += together.length;
  }
  const of = (index: number): number => order[index] as number;
  return {
    length,
    kindAt: (index) => entries.kindAt(of(index)),
    usedAt: (index) => entries.usedAt(of(index)),
    at: (index) => entries.at(of(index)),
  };
}

/** A list in which some entries are shown otherwise. */
export function replaced(entries: EntryList, others: ReadonlyMap<number, CacheEntry>): EntryList {
  return others.size === 0 ? entries : { ...entries, at: (index) => others.get(index) ?? entries.at(index) };
}

function afterOther(a: EntryList, b: EntryList): EntryList {
  if (a.length === 0) return b;
  return {
    length: a.length + b.length,
    kindAt: (index) => (index < a.length ? a.kindAt(index) : b.kindAt(index - a.length)),
    usedAt: (index) => (index < a.length ? a.usedAt(index) : b.usedAt(index - a.length)),
    at: (index) => (index < a.length ? a.at(index) : b.at(index - a.length)),
  };
}
