import { listWorkspace, type CacheEntry, type EntryList, type Unseen, type WorkspaceEntry } from '@ict/cache';

/** What a work directory keeps, as an entry like those of the cache. */
export interface KeptWork extends Omit<CacheEntry, 'kind' | 'shared'> {
  readonly kind: WorkspaceEntry['kind'];
  readonly provider: string;
}

/** What builds keep: in the cache, or in the work directory. */
export type KeptEntry = CacheEntry | KeptWork;
export type KeptList = EntryList<KeptEntry>;
export type KeptKind = KeptEntry['kind'];

export const workKinds = ['chrootenv', 'chrootbuild', 'imagebuild'] as const satisfies readonly WorkspaceEntry['kind'][];

export function isWorkKind(kind: KeptKind): kind is KeptWork['kind'] {
  return workKinds.some((one) => one === kind);
}

/**
 * What a work directory keeps of some kinds; none when it is absent.
 *
 * @param unseen is told of what in it cannot be looked at, and is left out.
 */
export async function keptWork(workDir: string, unseen: Unseen, kinds: readonly KeptKind[] = workKinds): Promise<readonly KeptWork[]> {
  if (!kinds.some(isWorkKind)) return [];
  const found = (await listWorkspace(workDir, unseen)).filter(({ kind }) => kinds.includes(kind));
  return found.map(({ changedAt, ...entry }) => ({ ...entry, name: entry.id, usedAt: changedAt }));
}

export function listOf(entries: readonly KeptEntry[]): KeptList {
  const at = (index: number): KeptEntry => entries[index] as KeptEntry;
  return { length: entries.length, kindAt: (index) => at(index).kind, usedAt: (index) => at(index).usedAt, at };
}

/** Several lists, one after the other. */
export function joined(lists: readonly KeptList[]): KeptList {
  return lists.reduce(afterOther, listOf([]));
}

/** Those of one use stay in the order in which they came: comparing a hundred thousand ids would take longer than reading them. */
export function lastUsedFirst(entries: KeptList): KeptList {
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
export function replaced(entries: KeptList, others: ReadonlyMap<number, KeptEntry>): KeptList {
  return others.size === 0 ? entries : { ...entries, at: (index) => others.get(index) ?? entries.at(index) };
}

function afterOther(a: KeptList, b: KeptList): KeptList {
  if (a.length === 0) return b;
  return {
    length: a.length + b.length,
    kindAt: (index) => (index < a.length ? a.kindAt(index) : b.kindAt(index - a.length)),
    usedAt: (index) => (index < a.length ? a.usedAt(index) : b.usedAt(index - a.length)),
    at: (index) => (index < a.length ? a.at(index) : b.at(index - a.length)),
  };
}
