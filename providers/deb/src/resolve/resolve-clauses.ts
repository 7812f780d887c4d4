import type { Seed } from '@ict/plugin-api';
import type { Clause, ClauseKind, DependencyProvider } from '@ict/solver';
import { CLAUSE_KINDS } from '@ict/solver';
import type { RelationField } from '../metadata/packages-index.js';
import type { RelationGroup } from '../relations/relation.js';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import type { Pool } from './resolve-pool.js';
import type { UnreadableField } from './resolve-relations.js';

/** Why the solver has a clause. */
export type Reason =
  | { readonly kind: 'seed'; readonly seed: Seed }
  | RelationReason
  | { readonly kind: 'one-version'; readonly name: string }
  | ({ readonly kind: 'unreadable' } & UnreadableField);

/**
 * Says to the solver what a package needs and excludes; see {@link Pool.clauseNumbers}. `Replaces` excludes nothing. For a new root Conflicts and Breaks are the same.
 *
 * @param recommends whether Recommends count.
 */
export function createClauses(pool: Pool, recommends: boolean): DependencyProvider<Reason> {
  const reasons = new ClauseReasons(pool);
  return {
    numbersOf: (solvable) => pool.clauseNumbers(solvable, recommends),
    clausesOf(solvable) {
      // Copies: views do not outlive the next question to the pool.
      const words = pool.clauseNumbers(solvable, recommends).slice();
      const told: Omit<ClauseOrigin, 'field' | 'group'>[] = [];
      for (let at = 0; at < words.length; at += 2 + words[at + 1]!) {
        told.push({ kind: CLAUSE_KINDS[words[at]!]!, targets: Array.from(words.subarray(at + 2, at + 2 + words[at + 1]!)) });
      }
      const origins = pool.clauseOrigins(told.length).slice();
      return told.map(({ kind, targets }, at): Clause<Reason> => {
        const [field, group] = origins.subarray(2 * at) as unknown as [number, number];
        return { kind, targets, reason: reasons.of(solvable, { kind, targets, field, group }) };
      });
    },
  };
}

/** A clause, with the numbers of what it comes from. */
interface ClauseOrigin {
  readonly kind: ClauseKind;
  readonly targets: readonly number[];
  readonly field: number;
  readonly group: number;
}

/** Reasons of clauses: packages that need the same in the same words share one, and so do those that exclude each other by their name. */
class ClauseReasons {
  readonly #pool: Pool;
  readonly #shared = new Map<string, Reason>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  of(solvable: number, { kind, targets, field, group }: ClauseOrigin): Reason {
    const pool = this.#pool;
    const { BROKEN, RIVALS } = pool.store.module;
    if (field === BROKEN.value) return { kind: 'unreadable', ...pool.unreadable.get(solvable)! };
    if (field === RIVALS.value) return this.#once(targets.join(), () => ({ kind: 'one-version', name: pool.name(solvable) }));
    const arch = pool.archOf(solvable);
    const reason = (): RelationReason => new RelationReason(RELATION_FIELDS[field] as RelationField, group, arch, pool);
    // What a package excludes never has its own name, so it is not shared.
    return kind === 'conflicts' ? reason() : this.#once(`${field}/${group}/${arch}`, reason);
  }

  #once(key: string, make: () => Reason): Reason {
    let reason = this.#shared.get(key);
    if (reason === undefined) this.#shared.set(key, (reason = make()));
    return reason;
  }
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
