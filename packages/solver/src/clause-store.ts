import type { Assignment } from './assignment.js';
import { NO_CLAUSE } from './assignment.js';
import { IntList } from './int-list.js';

/**
 * Disjunctions of literals with two watched literals each (Moskewicz et al., Chaff, 2001): a clause is looked at only when one of
 * its first two literals becomes false. Watchers of a literal form a linked list; node `2 * clause + k` watches literal `k`.
 */
export class ClauseStore {
  readonly #literals = new IntList(1024);
  /** Start of each clause in `#literals`, and one entry more. */
  readonly #starts = new IntList(256);
  readonly #heads: Int32Array;
  readonly #next = new IntList(512);
  readonly #assignment: Assignment;

  constructor(count: number, assignment: Assignment) {
    this.#heads = new Int32Array(2 * count + 2).fill(NO_CLAUSE);
    this.#assignment = assignment;
    this.#starts.push(0);
  }

  get size(): number {
    return this.#starts.length - 1;
  }

  /** The literals of a clause, in no particular order. */
  literalsOf(clause: number): Int32Array {
    return this.#literals.data.subarray(this.#starts.data[clause], this.#starts.data[clause + 1]);
  }

  /** Number of literals of a clause. */
  sizeOf(clause: number): number {
    return this.#starts.data[clause + 1] - this.#starts.data[clause];
  }

  /** Adds a literal, different from the others, to the clause that {@link close} completes. */
  push(literal: number): void {
    this.#literals.push(literal);
  }

  /** True when a literal belongs to the clause that {@link close} completes. */
  has(literal: number): boolean {
    const { data, length } = this.#literals;
    for (let at = this.#starts.data[this.size]; at < length; at++) if (data[at] === literal) return true;
    return false;
  }

  /**
   * Adds the clause of the literals since the last one to a running search. What it forces now is forced at the current level.
   *
   * @returns true when the clause is violated.
   */
  close(): boolean {
    const clause = this.size;
    const start = this.#starts.data[clause];
    const count = this.#literals.length - start;
    this.#starts.push(this.#literals.length);
    this.#next.push(NO_CLAUSE);
    this.#next.push(NO_CLAUSE);
    if (count === 0) return true;
    this.#bring(start, count);
    const first = this.#literals.data[start];
    const value = this.#assignment.value;
    if (count > 1) {
      this.#bring(start + 1, count - 1);
      this.#watch(clause, 0, first);
      this.#watch(clause, 1, this.#literals.data[start + 1]);
    }
    if (value[first] < 0) return true;
    if (value[first] === 0 && (count === 1 || value[this.#literals.data[start + 1]] < 0)) this.#assignment.set(first, clause);
    return false;
  }

  /**
   * Visits the clauses that watch a literal which became false.
   *
   * @returns a violated clause, or {@link NO_CLAUSE}.
   */
  propagateFalse(literal: number): number {
    const { value } = this.#assignment;
    const literals = this.#literals.data;
    const starts = this.#starts.data;
    const next = this.#next.data;
    const heads = this.#heads;
    let previous = NO_CLAUSE;
    let node = heads[literal];
    while (node !== NO_CLAUSE) {
      const clause = node >> 1;
      const after = next[node];
      const start = starts[clause];
      const mine = start + (node & 1);
      const other = literals[start + (~node & 1)];
      if (value[other] <= 0) {
        const end = starts[clause + 1];
        let at = start + 2;
        while (at < end && value[literals[at]] < 0) at++;
        if (at < end) {
          const replacement = literals[at];
          literals[at] = literal;
          literals[mine] = replacement;
          if (previous === NO_CLAUSE) heads[literal] = after;
          else next[previous] = after;
          next[node] = heads[replacement];
          heads[replacement] = node;
          node = after;
          continue;
        }
        if (value[other] < 0) return clause;
        this.#assignment.set(other, clause);
      }
      previous = node;
      node = after;
    }
    return NO_CLAUSE;
  }

  /** Looks no more at some clauses; what they forced stays. */
  forget(clauses: ReadonlySet<number>): void {
    const next = this.#next.data;
    for (let literal = 0; literal < this.#heads.length; literal++) {
      let previous = NO_CLAUSE;
      for (let node = this.#heads[literal]; node !== NO_CLAUSE; node = next[node]) {
        if (!clauses.has(node >> 1)) previous = node;
        else if (previous === NO_CLAUSE) this.#heads[literal] = next[node];
        else next[previous] = next[node];
      }
    }
  }

  #watch(clause: number, which: 0 | 1, literal: number): void {
    this.#next.data[2 * clause + which] = this.#heads[literal];
    this.#heads[literal] = 2 * clause + which;
  }

  /** Swaps the literal that is best to watch to `to`: a true one, else an open one, else the one that becomes open first. */
  #bring(to: number, count: number): void {
    const { value, level } = this.#assignment;
    const literals = this.#literals.data;
    const end = to + count;
    let best = to;
    let bestRank = -1;
    for (let at = to; at < end; at++) {
      const literal = literals[at];
      const rank = value[literal] > 0 ? 0x7fff_ffff : value[literal] === 0 ? 0x7fff_fffe : level[literal >> 1];
      if (rank > bestRank) {
        best = at;
        bestRank = rank;
      }
    }
    const moved = literals[best];
    literals[best] = literals[to];
    literals[to] = moved;
  }
}
