import type { Clause, ClauseKind, OwnedClause } from './problem.js';
import { IntList } from './int-list.js';

const NONE: readonly number[] = Object.freeze([]);

/** Every clause that was loaded, by number, and for each owner (0: the request) the run of its clauses. */
export class RelationTable<R> {
  readonly #owners = new IntList(256);
  readonly #kinds: ClauseKind[] = [];
  readonly #targets: (readonly number[])[] = [];
  readonly #reasons: R[] = [];
  readonly #conditions = new Map<number, readonly number[]>();
  /** Requirements and recommendations that have a condition. */
  readonly conditional: number[] = [];
  readonly #absences = new Map<number, readonly number[]>();
  /** Recommendations that ask for an absence. */
  readonly absent: number[] = [];
  /** By solvable: clauses that suggest it. */
  readonly #suggestions = new Map<number, number[]>();
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

  add(owner: number, { kind, targets, when = NONE, unless = NONE, reason }: Clause<R>): number {
    this.#owners.push(owner);
    this.#targets.push(targets);
    this.#reasons.push(reason);
    const relation = this.#kinds.push(kind) - 1;
    if (when.length > 0) {
      this.#conditions.set(relation, when);
      if ((kind === 'requires' || kind === 'recommends') && unless.length === 0) this.conditional.push(relation);
    }
    if (unless.length > 0) {
      this.#absences.set(relation, unless);
      if (kind === 'recommends') this.absent.push(relation);
    }
    if (kind === 'suggests') for (const target of targets) this.#suggest(target, relation);
    return relation;
  }

  #suggest(target: number, relation: number): void {
    const known = this.#suggestions.get(target);
    if (known === undefined) this.#suggestions.set(target, [relation]);
    else known.push(relation);
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

  /** Solvables that must be taken for the clause to speak, beside its owner. */
  when(relation: number): readonly number[] {
    return this.#conditions.size === 0 ? NONE : (this.#conditions.get(relation) ?? NONE);
  }

  /** Solvables that must not be taken for the clause to speak. */
  unless(relation: number): readonly number[] {
    return this.#absences.size === 0 ? NONE : (this.#absences.get(relation) ?? NONE);
  }

  /** Clauses that suggest a solvable. */
  suggestions(solvable: number): readonly number[] {
    return this.#suggestions.size === 0 ? NONE : (this.#suggestions.get(solvable) ?? NONE);
  }

  reason(relation: number): R {
    return this.#reasons[relation];
  }

  clause(relation: number): OwnedClause<R> {
    const when = this.#conditions.get(relation);
    const unless = this.#absences.get(relation);
    return {
      by: this.owner(relation),
      kind: this.kind(relation),
      targets: this.targets(relation),
      ...(when === undefined ? {} : { when }),
      ...(unless === undefined ? {} : { unless }),
      reason: this.reason(relation),
    };
  }
}
