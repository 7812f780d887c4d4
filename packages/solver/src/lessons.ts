import type { Lesson } from './conflict-analysis.js';

/** Lessons of at most so many levels are never forgotten. */
const LASTING_LEVELS = 2;
/** After how many conflicts more lessons are forgotten again, and by how much that grows each time. */
const INTERVAL = 2_000;
const LONGER = 300;

/** What was learned, and which of it is no longer worth the time that it takes. */
export class Lessons {
  readonly #lessons: Lesson[] = [];
  /** By lesson: its clause, or -1 when it was forgotten. */
  readonly #clauses: number[] = [];
  #times = 0;
  #due: number;

  /** @param first conflicts before lessons are forgotten for the first time. */
  constructor(first: number) {
    this.#due = first;
  }

  get size(): number {
    return this.#lessons.length;
  }

  /** Keeps a lesson that becomes a clause. @returns its number. */
  add(lesson: Lesson, clause: number): number {
    this.#lessons.push(lesson);
    return this.#clauses.push(clause) - 1;
  }

  /** Clauses that a lesson follows from; forgotten lessons stay part of an explanation. */
  from(lesson: number): readonly number[] {
    return this.#lessons[lesson].from;
  }

  /**
   * Forgets the half of the lessons that belong to most levels, of equal ones the oldest, once enough conflicts have passed.
   *
   * @param needed gives the clauses that must stay.
   * @returns the clauses of what was forgotten; undefined when nothing is due.
   */
  forget(conflicts: number, needed: () => ReadonlySet<number>): ReadonlySet<number> | undefined {
    if (conflicts < this.#due) return undefined;
    this.#due = conflicts + INTERVAL + LONGER * ++this.#times;
    const kept = needed();
    const candidates: number[] = [];
    for (let lesson = 0; lesson < this.#lessons.length; lesson++) {
      const clause = this.#clauses[lesson];
      if (clause >= 0 && this.#lessons[lesson].levels > LASTING_LEVELS && !kept.has(clause)) candidates.push(lesson);
    }
    candidates.sort((a, b) => this.#lessons[b].levels - this.#lessons[a].levels || a - b);
    const forgotten = new Set<number>();
    for (const lesson of candidates.slice(0, candidates.length >> 1)) {
      forgotten.add(this.#clauses[lesson]);
      this.#clauses[lesson] = -1;
    }
    return forgotten;
  }
}
