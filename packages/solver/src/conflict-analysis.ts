import type { Assignment } from './assignment.js';
import { NO_CLAUSE } from './assignment.js';
import type { ClauseStore } from './clause-store.js';

/** A clause that follows from the others and would have prevented a conflict. */
export interface Lesson {
  /** The literal that becomes true after going back comes first. */
  readonly literals: readonly number[];
  /** Level at which the first literal is forced. */
  readonly level: number;
  /** Number of levels that its literals belong to: clauses of few are useful again and again (Audemard and Simon, Glucose, 2009). */
  readonly levels: number;
  /** Clauses that it follows from, beside the reasons of what holds without any decision. */
  readonly from: readonly number[];
}

/** What is known of a solvable while a lesson is made: it is in the lesson, it follows from what is, it does not. */
const IN_LESSON = 1;
const FOLLOWS = 2;
const FOLLOWS_NOT = 3;

/** Steps that are followed to see whether a literal follows from others: a chain of requirements can be longer than the stack is deep. */
const MAX_STEPS = 1_000;

/** Finds out why a search failed. */
export class ConflictAnalysis {
  readonly #assignment: Assignment;
  readonly #clauses: ClauseStore;
  readonly #seen: Uint8Array;
  /** Solvables that took part in the last conflict that was learned from. */
  involved: readonly number[] = [];

  constructor(count: number, assignment: Assignment, clauses: ClauseStore) {
    this.#assignment = assignment;
    this.#clauses = clauses;
    this.#seen = new Uint8Array(count + 1);
  }

  /**
   * Learns from a violated clause, above level 0: resolves backwards along the trail until one literal of the current level is left
   * (first unique implication point; Marques-Silva and Sakallah, GRASP, 1996), then leaves out literals that the others imply.
   *
   * @param deep also those that the others imply in several steps (Soerensson and Biere, Minimizing learned clauses, 2009).
   */
  learn(violated: number, deep: boolean): Lesson {
    const { trail, level, reason, depth } = this.#assignment;
    const seen = this.#seen;
    const touched: number[] = [];
    const from: number[] = [violated];
    const lower: number[] = [];
    let open = 0;
    let at = this.#assignment.size;
    let clause = violated;
    let pivot = 0;
    for (;;) {
      for (const literal of this.#clauses.literalsOf(clause)) {
        const solvable = literal >> 1;
        if (solvable === pivot || seen[solvable] === IN_LESSON || level[solvable] === 0) continue;
        seen[solvable] = IN_LESSON;
        touched.push(solvable);
        if (level[solvable] === depth) open++;
        else lower.push(literal);
      }
      do at--;
      while (seen[trail[at] >> 1] === 0);
      pivot = trail[at] >> 1;
      open--;
      if (open === 0) break;
      clause = reason[pivot];
      from.push(clause);
    }
    const kept = lower.filter((literal) => {
      const because = reason[literal >> 1];
      if (because === NO_CLAUSE) return true;
      const solvable = literal >> 1;
      if (!(deep ? this.#follows(because, solvable, from, touched, MAX_STEPS) : this.#implied(because, solvable))) return true;
      from.push(because);
      return false;
    });
    this.involved = touched.filter((solvable) => seen[solvable] === IN_LESSON);
    for (const solvable of touched) seen[solvable] = 0;
    let back = 0;
    const levels = new Set([depth]);
    for (const literal of kept) {
      back = Math.max(back, level[literal >> 1]);
      levels.add(level[literal >> 1]);
    }
    return { literals: [trail[at] ^ 1, ...kept], level: back, levels: levels.size, from };
  }

  /**
   * True when all literals of a clause but that of `solvable` are in the lesson, false without any decision, or follow from such themselves.
   * False also when that takes more than `steps` to see.
   *
   * What was found of a solvable stays in `#seen` until the lesson is complete.
   *
   * @param from takes the clauses that this follows from.
   * @param touched takes the solvables that were looked at.
   */
  #follows(clause: number, solvable: number, from: number[], touched: number[], steps: number): boolean {
    if (steps === 0) return false;
    const { level, reason } = this.#assignment;
    const seen = this.#seen;
    for (const literal of this.#clauses.literalsOf(clause)) {
      const other = literal >> 1;
      if (other === solvable || level[other] === 0 || seen[other] === IN_LESSON || seen[other] === FOLLOWS) continue;
      const because = reason[other];
      if (seen[other] === FOLLOWS_NOT || because === NO_CLAUSE) return false;
      const does = this.#follows(because, other, from, touched, steps - 1);
      touched.push(other);
      seen[other] = does ? FOLLOWS : FOLLOWS_NOT;
      if (!does) return false;
      from.push(because);
    }
    return true;
  }

  /** True when all literals of a clause but that of `solvable` are in the lesson, or false without any decision. */
  #implied(clause: number, solvable: number): boolean {
    for (const literal of this.#clauses.literalsOf(clause)) {
      const other = literal >> 1;
      if (other !== solvable && this.#seen[other] === 0 && this.#assignment.level[other] > 0) return false;
    }
    return true;
  }

  /** Levels, from 1, whose decisions together violate a clause, or leave it no literal but that of the solvable `implied`. */
  levelsBehind(clause: number, implied = 0): Set<number> {
    const { trail, level, reason } = this.#assignment;
    const seen = this.#seen;
    const levels = new Set<number>();
    const mark = (from: number, except: number): void => {
      for (const literal of this.#clauses.literalsOf(from)) {
        const solvable = literal >> 1;
        if (solvable !== except && level[solvable] > 0) seen[solvable] = 1;
      }
    };
    mark(clause, implied);
    for (let at = this.#assignment.size - 1; at >= 0; at--) {
      const solvable = trail[at] >> 1;
      if (seen[solvable] === 0) continue;
      seen[solvable] = 0;
      if (reason[solvable] === NO_CLAUSE) levels.add(level[solvable]);
      else mark(reason[solvable], solvable);
    }
    return levels;
  }
}
