import type { Seed } from '@ict/plugin-api';
import type { Clause, ClauseKind, DependencyProvider } from '@ict/solver';
import type { RelationField } from '../metadata/packages-index.js';
import type { KeptRelationField } from '../relations/relation-numbers.js';
import type { RelationGroup } from '../relations/relation.js';
import type { Pool } from './resolve-pool.js';
import type { UnreadableField } from './resolve-relations.js';

const NO_NUMBERS: readonly number[] = Object.freeze([]);

/** Why the solver has a clause. */
export type Reason =
  | { readonly kind: 'seed'; readonly seed: Seed }
  | RelationReason
  | { readonly kind: 'one-version'; readonly name: string }
  | ({ readonly kind: 'unreadable' } & UnreadableField);

type ClauseField = Extract<RelationField, KeptRelationField>;

const FIELDS: readonly (readonly [ClauseField, ClauseKind])[] = [
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
  const needs = pool.architectures.map(() => fields.map(() => new Map<number, Clause<Reason> | null>()));
  const need = (field: RelationField, kind: ClauseKind, group: number, arch: string): Clause<Reason> | null => {
    const targets = pool.targets(group, arch);
    return targets === null ? null : { kind, targets, reason: new RelationReason(field, group, arch, pool) };
  };
  return {
    clausesOf(solvable) {
      const clauses: Clause<Reason>[] = [];
      const arch = pool.archOf(solvable);
      const known = needs[pool.architectures.indexOf(arch)]!;
      const rivals = pool.rivals(solvable);
      if (rivals.length > 0) clauses.push(shared(rivals, pool.name(solvable)));
      for (let at = 0; at < fields.length; at++) {
        const [field, kind] = fields[at]!;
        const ofField = known[at]!;
        const groups = pool.groups(solvable, field) ?? NO_NUMBERS;
        for (let next = 0; next < groups.length; next++) {
          const group = groups[next]!;
          // What a package excludes never has its own name, so it is not shared.
          if (kind === 'conflicts') {
            const targets = pool.excludedBy(group, solvable);
            if (targets.length > 0) clauses.push({ kind, targets, reason: new RelationReason(field, group, arch, pool) });
            continue;
          }
          let clause = ofField.get(group);
          if (clause === undefined) ofField.set(group, (clause = need(field, kind, group, arch)));
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

/** A relation as a reason: its group is read when somebody wants to tell it. */
class RelationReason {
  readonly kind = 'relation';
  readonly field: RelationField;
  readonly #number: number;
  readonly #arch: string;
  readonly #pool: Pool;

  constructor(field: RelationField, number: number, arch: string, pool: Pool) {
    this.field = field;
    this.#number = number;
    this.#arch = arch;
    this.#pool = pool;
  }

  /** The part of the group that concerns the package. */
  get group(): RelationGroup {
    return this.#pool.applicable(this.#pool.relationGroup(this.#number), this.#arch) ?? [];
  }
}
