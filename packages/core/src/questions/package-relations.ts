import { compareText } from '@ict/integrity';
import type { Json, Memo, PackageRelation, ResolvedPackage } from '@ict/plugin-api';
import { lockDigest, type Lock } from '../locks/lock.js';

/** One need inside a closure. `field` and `text` are the package's own words, when the resolution that made the lock is remembered. */
export interface KnownRelation extends Pick<PackageRelation, 'from' | 'to' | 'kind'> {
  readonly field?: string;
  readonly text?: string;
}

const MEMO = 'relations';

/** Keeps the relations behind a lock, which says only that they are. */
export async function rememberRelations(lock: Lock, relations: readonly KnownRelation[], memo: Memo): Promise<void> {
  const question = { lock: lockDigest(lock) };
  if (relations.length > 0 && (await memo.get(MEMO, question)) === undefined) await memo.set(MEMO, question, relations as unknown as Json);
}

/** The relations behind a lock as they are remembered, in the packages' own words. */
export async function recallRelations(lock: Lock, memo: Memo): Promise<readonly KnownRelation[] | undefined> {
  return (await memo.get(MEMO, { lock: lockDigest(lock) })) as readonly KnownRelation[] | undefined;
}

/** What a lock itself says of its relations. */
export function statedRelations(lock: Lock): readonly KnownRelation[] {
  return [...relationsOf(lock.packages), ...relationsOf(lock.tools)];
}

/**
 * What a closure itself says of its relations: a member requires what it lists, and recommends another that names it as its reason
 * without being required by it.
 */
export function relationsOf(packages: readonly ResolvedPackage[]): readonly KnownRelation[] {
  const byId = new Map(packages.map((pkg) => [pkg.id, pkg]));
  const relations: KnownRelation[] = [];
  for (const { id, requires, requestedBy } of packages) {
    for (const to of requires) relations.push({ from: id, to, kind: 'requires' });
    for (const from of requestedBy) {
      const by = byId.get(from);
      if (by !== undefined && !by.requires.includes(id)) relations.push({ from, to: id, kind: 'recommends' });
    }
  }
  return relations.sort((a, b) => compareText(a.from, b.from) || compareText(a.to, b.to));
}
