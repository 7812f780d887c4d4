import { IntList } from './int-list.js';

/** Literals are `2 * solvable` (taken) and `2 * solvable + 1` (not taken). */
export function taken(solvable: number): number {
  return solvable * 2;
}

/** See {@link taken}. */
export function notTaken(solvable: number): number {
  return solvable * 2 + 1;
}

/** `reason` of a solvable that was decided, or has no value. */
export const NO_CLAUSE = -1;

/** Which solvables are taken or excluded, since which decision, and because of which clause; undone from the end. */
export class Assignment {
  /** By literal: 1 true, -1 false, 0 open. */
  readonly value: Int8Array;
  /** By solvable: decision level of its value. */
  readonly level: Int32Array;
  /** By solvable: clause that forced its value, or {@link NO_CLAUSE}. */
  readonly reason: Int32Array;
  /** True literals in the order in which they became true. */
  readonly trail: Int32Array;
  size = 0;
  /** Length of the trail before each decision. */
  readonly #limits = new IntList();

  constructor(count: number) {
    this.value = new Int8Array(2 * count + 2);
    this.level = new Int32Array(count + 1);
    this.reason = new Int32Array(count + 1).fill(NO_CLAUSE);
    this.trail = new Int32Array(count + 1);
  }

  /** Number of decisions that hold now. */
  get depth(): number {
    return this.#limits.length;
  }

  /** The literal that was decided at a level, from 1. */
  decisionAt(level: number): number {
    return this.trail[this.#limits.data[level - 1]];
  }

  /** Length of the trail before the decisions above a level. */
  sizeAt(level: number): number {
    return level >= this.#limits.length ? this.size : this.#limits.data[level];
  }

  /** Opens a new level. */
  decide(literal: number): void {
    this.#limits.push(this.size);
    this.set(literal, NO_CLAUSE);
  }

  /** Makes a literal true at the current level. It must be open. */
  set(literal: number, reason: number): void {
    const solvable = literal >> 1;
    this.value[literal] = 1;
    this.value[literal ^ 1] = -1;
    this.level[solvable] = this.#limits.length;
    this.reason[solvable] = reason;
    this.trail[this.size++] = literal;
  }

  /** Forgets every value above a level. */
  undoTo(level: number): void {
    if (level >= this.#limits.length) return;
    const keep = this.#limits.data[level];
    for (let i = this.size - 1; i >= keep; i--) {
      const literal = this.trail[i];
      this.value[literal] = 0;
      this.value[literal ^ 1] = 0;
      this.reason[literal >> 1] = NO_CLAUSE;
    }
    this.size = keep;
    this.#limits.length = level;
  }
}
