import type { Assignment } from './assignment.js';
import { NO_CLAUSE } from './assignment.js';
import type { ClauseStore } from './clause-store.js';
import { IntList } from './int-list.js';
import type { Lessons } from './lessons.js';
import type { OwnedClause } from './problem.js';
import type { RelationTable } from './relation-table.js';

/** Where each clause of a search comes from: one of the problem's relations, or a lesson. */
export class Origins<R> {
  readonly #relations: RelationTable<R>;
  readonly #assignment: Assignment;
  readonly #clauses: ClauseStore;
  readonly #lessons: Lessons;
  /** By clause: its relation, or `-1 - lesson`. */
  readonly #origin = new IntList(256);

  constructor(relations: RelationTable<R>, assignment: Assignment, clauses: ClauseStore, lessons: Lessons) {
    this.#relations = relations;
    this.#assignment = assignment;
    this.#clauses = clauses;
    this.#lessons = lessons;
  }

  /** Says which relation the next clause is part of. */
  addRelation(relation: number): void {
    this.#origin.push(relation);
  }

  /** Says which lesson the next clause is. */
  addLesson(lesson: number): void {
    this.#origin.push(-1 - lesson);
  }

  /** All clauses of the problem that a conflict without decisions follows from. */
  core(violated: number): OwnedClause<R>[] {
    const { value, reason } = this.#assignment;
    const visited = new Uint8Array(this.#clauses.size);
    const work = [violated];
    visited[violated] = 1;
    const visit = (clause: number): void => {
      if (clause === NO_CLAUSE || visited[clause] === 1) return;
      visited[clause] = 1;
      work.push(clause);
    };
    for (let clause = work.pop(); clause !== undefined; clause = work.pop()) {
      for (const literal of this.#clauses.literalsOf(clause)) visit(value[literal] === 0 ? NO_CLAUSE : reason[literal >> 1]);
      const origin = this.#origin.data[clause];
      if (origin < 0) this.#lessons.from(-1 - origin).forEach(visit);
    }
    return this.#ownedClauses(visited);
  }

  /** The relations behind marked clauses, in order; of conflicts only the targets in question. */
  #ownedClauses(marked: Uint8Array): OwnedClause<R>[] {
    const excluded = new Map<number, number[]>();
    const relations = new Set<number>();
    for (let clause = 0; clause < marked.length; clause++) {
      const relation = this.#origin.data[clause];
      if (marked[clause] === 0 || relation < 0) continue;
      relations.add(relation);
      if (this.#relations.kind(relation) !== 'conflicts') continue;
      const owner = this.#relations.owner(relation);
      const named = new Set(this.#relations.targets(relation));
      const targets = excluded.get(relation) ?? [];
      excluded.set(relation, targets);
      for (const literal of this.#clauses.literalsOf(clause)) {
        const solvable = literal >> 1;
        if (solvable !== owner && named.has(solvable)) targets.push(solvable);
      }
    }
    return [...relations]
      .sort((a, b) => a - b)
      .map((relation) => {
        const targets = excluded.get(relation);
        const clause = this.#relations.clause(relation);
        return targets === undefined ? clause : { ...clause, targets: [...new Set(targets)].sort((a, b) => a - b) };
      });
  }
}
