import type { ClauseKind, OwnedClause } from './problem.js';
import { IntList } from './int-list.js';

/** Every clause that was loaded, by number, and for each owner (0: the request) the run of its clauses. */
export class RelationTable<R> {
  readonly #owners = new IntList(256);
  readonly #kinds: ClauseKind[] = [];
  readonly #targets: (readonly number[])[] = [];
  readonly #reasons: R[] = [];
  /** By owner: first clause and the one after the last; both 0 before loading. */
  readonly first: Int32Array;
  readonly end: Int32Array;

  constructor(count: number) {
    this.first = new Int32Array(count + 1);
    this.end = new Int32Array(count + 1);
  }

  /** Number of clauses. */
  get size(): number {
    return this.#kinds.length;
  }

  add(owner: number, kind: ClauseKind, targets: readonly number[], reason: R): number {
    this.#owners.push(owner);
    this.#targets.push(targets);
    this.#reasons.push(reason);
    return this.#kinds.push(kind) - 1;
  }

  owner(relation: number): number {
    return this.#owners.data[relation];
  }

  kind(relation: number): ClauseKind {
    return this.#kinds[relation];
  }

  /** In the caller's order of preference. */
  targets(relation: number): readonly number[] {
    return this.#targets[relation];
  }

  reason(relation: number): R {
    return this.#reasons[relation];
  }

  clause(relation: number): OwnedClause<R> {
    return {
      by: this.owner(relation),
      kind: this.kind(relation),
      targets: this.targets(relation),
      reason: this.reason(relation),
    };
  }
}
