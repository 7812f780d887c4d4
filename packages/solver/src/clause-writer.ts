import { solverError } from './errors.js';
import { CLAUSE_KINDS } from './problem.js';
import type { Clause } from './problem.js';

/** Added to the kind of a clause that has conditions; `assembly/relation-table.ts` has the form of what is written. */
const CONDITIONS = 4;

/** Numbers that there is room for at first. */
const FIRST_ROOM = 1 << 14;

const NONE: readonly number[] = Object.freeze([]);

/** Where numbers are written to. */
export interface ClauseRoom {
  /** The memory, which is another buffer when it has grown. */
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Makes room for so many numbers in all, and keeps those that are there. @returns where they begin. */
  room(words: number): number;
}

/** Writes clauses into the module's memory, one after the other. */
export class ClauseWriter {
  readonly #count: number;
  readonly #isLast: boolean;
  /** The part of the memory that there is room in; without length before there is, and when the memory has grown. */
  #words = new Int32Array();
  #room = FIRST_ROOM;
  #size = 0;

  /**
   * @param count number of solvables.
   * @param isLast recommendations come last.
   */
  constructor(count: number, isLast: boolean) {
    this.#count = count;
    this.#isLast = isLast;
  }

  /**
   * Writes the clauses of a solvable, or of the request (0).
   *
   * @returns how many numbers are written in all.
   * @throws `ICT_SOLVER_INPUT_INVALID`; that targets are solvables is checked where they are read.
   */
  write(owner: number, clauses: readonly Clause<unknown>[], to: ClauseRoom): number {
    const count = this.#count;
    let at = this.#size;
    for (const clause of clauses) {
      const { kind, targets, when, unless } = clause;
      const { length } = targets;
      if (at + length + 2 > this.#words.length) this.#widen(at + length + 2, to);
      const words = this.#words;
      const place = CLAUSE_KINDS.indexOf(kind);
      if (place < 0) throw invalid(`a clause of solvable ${owner} is of kind "${kind}"`);
      words[at++] = place;
      words[at++] = length;
      for (let i = 0; i < length; i++) {
        const target = targets[i]!;
        if ((target | 0) !== target) throw wrongNumber(owner, target, count);
        words[at++] = target;
      }
      if (when !== undefined || unless !== undefined) at = this.#writeConditions(owner, clause, at, to);
    }
    return (this.#size = at);
  }

  /** Writes clauses that are numbers already. @returns how many numbers are written in all. */
  writeNumbers(numbers: Int32Array, to: ClauseRoom): number {
    const at = this.#size;
    if (at + numbers.length > this.#words.length) this.#widen(at + numbers.length, to);
    this.#words.set(numbers, at);
    return (this.#size = at + numbers.length);
  }

  /** Writes when a clause speaks, behind its targets, and says so in its kind. @returns where the next clause begins. */
  #writeConditions(owner: number, { kind, targets, when = NONE, unless = NONE }: Clause<unknown>, from: number, to: ClauseRoom): number {
    if (when.length === 0 && unless.length === 0) return from;
    const end = from + 2 + when.length + unless.length;
    if (end > this.#words.length) this.#widen(end, to);
    const words = this.#words;
    words[from - targets.length - 2] += CONDITIONS;
    let at = from;
    for (const solvables of [when, unless]) {
      words[at++] = solvables.length;
      for (const solvable of solvables) {
        if (!Number.isInteger(solvable) || solvable < 1 || solvable > this.#count) throw wrongNumber(owner, solvable, this.#count);
        words[at++] = solvable;
      }
    }
    if (unless.length > 0 && !(kind === 'recommends' ? this.#isLast : kind === 'suggests')) {
      throw invalid(`a clause of solvable ${owner} asks for an absence, which only weak clauses can that come last`);
    }
    return at;
  }

  #widen(needed: number, to: ClauseRoom): void {
    if (needed > this.#room) this.#room = 2 * needed;
    const start = to.room(this.#room) >>> 0;
    this.#words = new Int32Array(to.memory.buffer, start, this.#room);
  }
}

/** What is thrown when the caller breaks the rules of a problem. */
export function invalid(what: string): Error {
  return solverError('ICT_SOLVER_INPUT_INVALID', { message: `the solver was given a wrong problem: ${what}` });
}

/** What is thrown for a target that is no solvable. */
export function wrongNumber(owner: number, solvable: number, count: number): Error {
  return invalid(`a clause of solvable ${owner} names solvable ${solvable}; there are 1 to ${count}`);
}
