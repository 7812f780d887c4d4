import { Activity } from './activity.js';
import { Agenda } from './agenda.js';
import { Assignment, notTaken, taken, NO_CLAUSE } from './assignment.js';
import { ClauseStore } from './clause-store.js';
import { ConflictAnalysis } from './conflict-analysis.js';
import { solverError } from './errors.js';
import { IntList } from './int-list.js';
import { Lessons } from './lessons.js';
import { luby } from './luby.js';
import { Origins } from './origins.js';
import { PATIENCE } from './patience.js';
import type { Patience } from './patience.js';
import type { Clause, ClauseKind, Member, OwnedClause, SolverOutcome, SolverProblem, SolverStatistics } from './problem.js';
import { RelationTable } from './relation-table.js';

const NO_CONDITION: readonly number[] = Object.freeze([]);
const DEFAULT_MAX_CONFLICTS = 200_000;

/**
 * One conflict-driven search. Its clauses are loaded when a solvable is taken; it decides in the order of the {@link Agenda}.
 *
 * Recommendations are no clauses, only wishes: they never make a problem unsolvable. When what they brought in stands in the way of a
 * later choice that something requires, the recommendation gives way: it is tried again when all else is settled.
 *
 * Where conflicts are many, solvables that took part in them are decided first, each as it was last. What that takes in beyond need is
 * no member of the answer: members are only those that the agenda, whose turn comes afterwards, has a clause for.
 */
export class Search<R> {
  readonly #problem: SolverProblem<R>;
  readonly #count: number;
  readonly #relations: RelationTable<R>;
  readonly #assignment: Assignment;
  readonly #clauses: ClauseStore;
  readonly #analysis: ConflictAnalysis;
  readonly #agenda: Agenda<R>;
  readonly #loaded: Uint8Array;
  readonly #lessons: Lessons;
  readonly #origins: Origins<R>;
  readonly #patience: Patience;
  /** By level, from 1: level of the recommendation for whose sake it was decided, or 0. */
  readonly #softLevel = new IntList(256);
  /** By level, from 1: the clause that was settled by its decision. */
  readonly #settled = new IntList(256);
  readonly #activity: Activity;
  /** By solvable: 1 when it was taken the last time that it had a value. */
  readonly #phase: Uint8Array;
  /** Solvables whose clauses were loaded. */
  #solvables = 0;
  #softLevels = 0;
  #queue = 0;
  #decisions = 0;
  #conflicts = 0;
  #restarts = 0;
  #lastRestart = 0;

  constructor(problem: SolverProblem<R>, patience = PATIENCE) {
    const { count } = problem;
    if (!Number.isInteger(count) || count < 0 || count > 0x3fff_fffe) throw invalid(`the number of solvables is ${count}`);
    this.#problem = problem;
    this.#count = count;
    this.#patience = patience;
    this.#lessons = new Lessons(patience.lessons);
    this.#relations = new RelationTable(count);
    this.#assignment = new Assignment(count);
    this.#clauses = new ClauseStore(count, this.#assignment);
    this.#origins = new Origins(this.#relations, this.#assignment, this.#clauses, this.#lessons);
    this.#analysis = new ConflictAnalysis(count, this.#assignment, this.#clauses);
    this.#agenda = new Agenda(count, this.#relations, this.#assignment, problem.recommendations === 'last');
    this.#loaded = new Uint8Array(count + 1);
    this.#activity = new Activity(count);
    this.#phase = new Uint8Array(count + 1);
  }

  /** Runs to the end. A contradiction's core is not minimised. */
  run(): SolverOutcome<R> {
    let violated = this.#load(0, this.#problem.roots);
    this.#agenda.start();
    for (;;) {
      if (violated === NO_CLAUSE) violated = this.#propagate();
      if (violated !== NO_CLAUSE) {
        if (this.#assignment.depth === 0) return { kind: 'unsolvable', core: this.#origins.core(violated), statistics: this.#statistics() };
        violated = this.#recover(violated);
        continue;
      }
      if (this.#conflicts - this.#lastRestart >= this.#patience.restart * luby(this.#restarts + 1)) {
        this.#restarts++;
        this.#lastRestart = this.#conflicts;
        this.#backTo(0);
        this.#forget();
        continue;
      }
      if (this.#conflicts > this.#patience.preferences && this.#decideActive()) continue;
      const wish = this.#agenda.next();
      if (wish === undefined) return this.#solution();
      if (wish.solvable === 0) this.#reconsider(wish.relation);
      else this.#decide(wish.solvable, wish.relation);
    }
  }

  /**
   * A recommendation is blocked. When only a choice stands in the way that was itself made for the sake of a recommendation, goes back
   * and has that choice try its other targets first, so that both can be followed.
   */
  #reconsider(relation: number): void {
    for (const target of this.#relations.targets(relation)) {
      const because = this.#assignment.reason[target];
      if (because === NO_CLAUSE) continue;
      const levels = [...this.#analysis.levelsBehind(because, target)].filter((level) => this.#softOf(level) > 0).sort((a, b) => b - a);
      for (const level of levels) {
        if (!this.#agenda.avoid(this.#settled.data[level - 1], this.#assignment.decisionAt(level) >> 1)) continue;
        this.#backTo(level - 1);
        return;
      }
    }
    this.#agenda.accept(relation);
  }

  #decide(solvable: number, relation: number): void {
    this.#open(taken(solvable));
    let inherited = this.#softOf(this.#assignment.level[this.#relations.owner(relation)]);
    for (const condition of this.#relations.when(relation)) {
      inherited = Math.max(inherited, this.#softOf(this.#assignment.level[condition]));
    }
    const level = this.#relations.kind(relation) === 'recommends' ? this.#assignment.depth : inherited;
    this.#softLevel.push(level);
    this.#settled.push(relation);
    if (level > 0) this.#softLevels++;
  }

  /** Opens a level with a decision. */
  #open(literal: number): void {
    this.#agenda.mark();
    this.#assignment.decide(literal);
    this.#decisions++;
  }

  /** Decides the most active solvable that is open. @returns false when there is none. */
  #decideActive(): boolean {
    for (;;) {
      const solvable = this.#activity.take();
      if (solvable === 0) return false;
      if (this.#assignment.value[taken(solvable)] !== 0) continue;
      this.#open(this.#phase[solvable] === 1 ? taken(solvable) : notTaken(solvable));
      this.#softLevel.push(0);
      this.#settled.push(0);
      return true;
    }
  }

  #softOf(level: number): number {
    return level === 0 ? 0 : this.#softLevel.data[level - 1];
  }

  #backTo(level: number): void {
    const { trail } = this.#assignment;
    for (let at = this.#assignment.sizeAt(level); at < this.#assignment.size; at++) {
      this.#phase[trail[at] >> 1] = ~trail[at] & 1;
      this.#activity.offer(trail[at] >> 1);
    }
    this.#assignment.undoTo(level);
    this.#agenda.undoTo(level);
    while (this.#softLevel.length > level) if (this.#softLevel.data[--this.#softLevel.length] > 0) this.#softLevels--;
    this.#settled.length = this.#softLevel.length;
    this.#queue = Math.min(this.#queue, this.#assignment.size);
  }

  /** @returns a violated clause, or {@link NO_CLAUSE}. */
  #propagate(): number {
    const assignment = this.#assignment;
    while (this.#queue < assignment.size) {
      const literal = assignment.trail[this.#queue++];
      const solvable = literal >> 1;
      if ((literal & 1) === 0 && this.#loaded[solvable] === 0) {
        const violated = this.#load(solvable, this.#problem.provider.clausesOf(solvable));
        if (violated !== NO_CLAUSE) return violated;
      }
      const violated = this.#clauses.propagateFalse(literal ^ 1);
      if (violated !== NO_CLAUSE) return violated;
    }
    return NO_CLAUSE;
  }

  /** Encodes the clauses of a solvable that was just taken, or of the request. @returns a violated clause, or {@link NO_CLAUSE}. */
  #load(owner: number, clauses: Iterable<Clause<R>>): number {
    if (owner !== 0) this.#solvables++;
    this.#loaded[owner] = 1;
    this.#relations.first[owner] = this.#relations.size;
    let violated = NO_CLAUSE;
    for (const clause of clauses) {
      const { kind, targets, when = NO_CONDITION, unless = NO_CONDITION } = clause;
      this.#check(owner, targets);
      if (unless.length > 0) this.#checkAbsence(owner, kind, unless);
      if (when.length > 0) this.#check(owner, when);
      const relation = this.#relations.add(owner, clause);
      if (kind === 'conflicts') {
        for (const target of targets) {
          if (target === owner) continue;
          this.#clauses.push(notTaken(target));
          violated = this.#closeClause(owner, relation, when, violated);
        }
      } else if (kind === 'requires' && !targets.includes(owner) && (when.length === 0 || !when.some((each) => targets.includes(each)))) {
        for (const target of targets) if (!this.#clauses.has(taken(target))) this.#clauses.push(taken(target));
        violated = this.#closeClause(owner, relation, when, violated);
      }
    }
    this.#relations.end[owner] = this.#relations.size;
    return violated;
  }

  /** Completes a clause by whose it is and when it speaks. @returns the violated clause that is to be learned from. */
  #closeClause(owner: number, relation: number, when: readonly number[], violated: number): number {
    if (owner !== 0) this.#clauses.push(notTaken(owner));
    for (const condition of when) if (!this.#clauses.has(notTaken(condition))) this.#clauses.push(notTaken(condition));
    this.#origins.addRelation(relation);
    if (!this.#clauses.close()) return violated;
    const clause = this.#clauses.size - 1;
    // Nothing watches a clause of one literal: it must be the one that is learned from.
    return violated === NO_CLAUSE || this.#clauses.sizeOf(clause) === 1 ? clause : violated;
  }

  #checkAbsence(owner: number, kind: ClauseKind, unless: readonly number[]): void {
    this.#check(owner, unless);
    if (kind === 'recommends' ? this.#problem.recommendations === 'last' : kind === 'suggests') return;
    throw invalid(`a clause of solvable ${owner} asks for an absence, which only weak clauses can that come last`);
  }

  #check(owner: number, targets: readonly number[]): void {
    for (const target of targets) {
      if (!Number.isInteger(target) || target < 1 || target > this.#count) {
        throw invalid(`a clause of solvable ${owner} names solvable ${target}; there are 1 to ${this.#count}`);
      }
    }
  }

  /** Learns from a violated clause and goes back. @returns a violated clause, or {@link NO_CLAUSE}. */
  #recover(violated: number): number {
    const limit = this.#problem.maxConflicts ?? DEFAULT_MAX_CONFLICTS;
    if (++this.#conflicts > limit) {
      throw solverError('ICT_SOLVER_LIMIT', {
        message: `no answer after ${limit} conflicts`,
        hint: 'The request leaves very many combinations open: name versions or providers of the packages in question.',
        facts: { ...this.#statistics() },
      });
    }
    const yielding = this.#yieldingLevel(violated);
    const lesson = this.#analysis.learn(violated, this.#conflicts > this.#patience.preferences);
    this.#activity.conflict(this.#analysis.involved);
    if (yielding > 0) {
      this.#agenda.giveWay(this.#settled.data[yielding - 1]);
      this.#backTo(lesson.literals.length === 1 ? 0 : yielding - 1);
    } else {
      this.#backTo(lesson.level);
    }
    this.#origins.addLesson(this.#lessons.add(lesson, this.#clauses.size));
    for (const literal of lesson.literals) this.#clauses.push(literal);
    return this.#clauses.close() ? this.#clauses.size - 1 : NO_CLAUSE;
  }

  /** Forgets lessons when it is time to, because each costs time whenever one of its literals becomes false. At level 0 only. */
  #forget(): void {
    const { trail, reason, size } = this.#assignment;
    const forgotten = this.#lessons.forget(this.#conflicts, () => new Set(trail.subarray(0, size).map((literal) => reason[literal >> 1])));
    if (forgotten !== undefined) this.#clauses.forget(forgotten);
  }

  /** The level of the latest recommendation that stands in the way of the current level's requirement, or 0. */
  #yieldingLevel(violated: number): number {
    const { depth } = this.#assignment;
    if (this.#softLevels === 0 || this.#softOf(depth) > 0) return 0;
    let latest = 0;
    for (const level of this.#analysis.levelsBehind(violated)) if (this.#softOf(level) > 0) latest = Math.max(latest, level);
    return this.#softOf(latest);
  }

  #solution(): SolverOutcome<R> {
    const agenda = this.#agenda;
    const relations = this.#relations;
    const members: Member<R>[] = [];
    const dropped: OwnedClause<R>[] = [];
    this.#collectDropped(0, dropped);
    for (const solvable of agenda.chosen) {
      const relation = agenda.chosenBy(solvable);
      members.push({ solvable, by: relations.owner(relation), reason: relations.reason(relation) });
      this.#collectDropped(solvable, dropped);
    }
    return { kind: 'solved', members, dropped, statistics: this.#statistics() };
  }

  /** Recommendations of a member, or of the request, that speak and that nothing chosen satisfies. */
  #collectDropped(owner: number, dropped: OwnedClause<R>[]): void {
    const { first, end } = this.#relations;
    for (let relation = first[owner]; relation < end[owner]; relation++) {
      if (this.#relations.kind(relation) === 'recommends' && this.#agenda.isUnmet(relation)) dropped.push(this.#relations.clause(relation));
    }
  }

  #statistics(): SolverStatistics {
    return {
      solvables: this.#solvables,
      clauses: this.#clauses.size - this.#lessons.size,
      decisions: this.#decisions,
      conflicts: this.#conflicts,
      restarts: this.#restarts,
    };
  }
}

function invalid(what: string): Error {
  return solverError('ICT_SOLVER_INPUT_INVALID', { message: `the solver was given a wrong problem: ${what}` });
}
