import type { Seed } from '@ict/plugin-api';
import type { Clause, ClauseKind, DependencyProvider } from '@ict/solver';
import type { RelationField } from './packages-index.js';
import { NO_GROUPS } from './relation.js';
import type { RelationGroup } from './relation.js';
import type { Pool } from './resolve-pool.js';
import type { UnreadableField } from './resolve-solvables.js';

/** Why the solver has a clause. */
export type Reason =
  | { readonly kind: 'seed'; readonly seed: Seed }
  | { readonly kind: 'relation'; readonly field: RelationField; readonly group: RelationGroup }
  | { readonly kind: 'one-version'; readonly name: string }
  | ({ readonly kind: 'unreadable' } & UnreadableField);

const FIELDS: readonly (readonly [RelationField, ClauseKind])[] = [
  ['Pre-Depends', 'requires'],
  ['Depends', 'requires'],
  ['Conflicts', 'conflicts'],
  ['Breaks', 'conflicts'],
  ['Recommends', 'recommends'],
];

/**
 * Says to the solver what a package needs and excludes, in apt's order: Pre-Depends, Depends, Conflicts, Breaks, then Recommends.
 * `Replaces` excludes nothing. For a new root Conflicts and Breaks are the same. A package whose needs cannot be read is never taken;
 * of Recommends that cannot be read nothing is followed.
 *
 * @param recommends whether Recommends count.
 */
export function createClauses(pool: Pool, recommends: boolean): DependencyProvider<Reason> {
  const fields = recommends ? FIELDS : FIELDS.filter(([, kind]) => kind !== 'recommends');
  const oneVersion = new Map<string, Clause<Reason>>();
  /** One clause for all packages that exclude the same ones. */
  const shared = (targets: readonly number[], name: string): Clause<Reason> => {
    const key = targets.join();
    const clause = oneVersion.get(key) ?? { kind: 'conflicts', targets, reason: { kind: 'one-version', name } };
    oneVersion.set(key, clause);
    return clause;
  };
  /** By architecture, then by field: the clause of a group, which all packages share that have it; null when the group does not concern them. */
  const needs = new Map<string, readonly Map<RelationGroup, Clause<Reason> | null>[]>();
  const needsOf = (arch: string): readonly Map<RelationGroup, Clause<Reason> | null>[] => {
    let known = needs.get(arch);
    if (known === undefined) needs.set(arch, (known = fields.map(() => new Map<RelationGroup, Clause<Reason> | null>())));
    return known;
  };
  const clauseOf = (field: RelationField, kind: ClauseKind, written: RelationGroup, arch: string, owner: number): Clause<Reason> | null => {
    const group = pool.applicable(written, arch);
    if (group === undefined) return null;
    const targets = kind === 'conflicts' ? pool.excludedBy(group, owner) : pool.targets(group, arch);
    return kind === 'conflicts' && targets.length === 0 ? null : { kind, targets, reason: { kind: 'relation', field, group } };
  };
  return {
    clausesOf(solvable) {
      const clauses: Clause<Reason>[] = [];
      const arch = pool.archOf(solvable);
      const known = needsOf(arch);
      const rivals = pool.rivals(solvable);
      if (rivals.length > 0) clauses.push(shared(rivals, pool.name(solvable)));
      for (let at = 0; at < fields.length; at++) {
        const [field, kind] = fields[at]!;
        const ofField = known[at]!;
        for (const written of pool.relations(solvable, field) ?? NO_GROUPS) {
          // What a package excludes never has its own name, so it is not shared.
          let clause = kind === 'conflicts' ? undefined : ofField.get(written);
          if (clause === undefined) {
            clause = clauseOf(field, kind, written, arch, solvable);
            if (kind !== 'conflicts') ofField.set(written, clause);
          }
          if (clause !== null) clauses.push(clause);
        }
      }
      pool.checkProvides(solvable);
      const unreadable = pool.unreadable.get(solvable);
      if (unreadable === undefined || unreadable.field === 'Recommends' || unreadable.field === 'Replaces') return clauses;
      return [{ kind: 'requires', targets: [], reason: { kind: 'unreadable', ...unreadable } }];
    },
  };
}
