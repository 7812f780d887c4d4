import type { Assignment } from './assignment.js';
import { taken } from './assignment.js';
import { IntList } from './int-list.js';
import type { RelationTable } from './relation-table.js';

/** A decision that the agenda asks for, and the clause that it settles. */
export interface Wish {
  /** 0 when the clause is a recommendation and all its targets are excluded. */
  readonly solvable: number;
  readonly relation: number;
}

const NOBODY = -1;
/** Outcome of settling: a recommendation has targets, and all are excluded. */
const BLOCKED = -0x8000_0000;
/** Numbers kept for each decision. */
const MARK = 7;

/**
 * The order of decisions: depth-first through the clauses of what is chosen, requirements and recommendations in the order in which
 * the provider gave them. A clause is settled by a target that was chosen before, wherever; else by its first possible target,
 * whose own clauses come next. Roots are all chosen before the clauses of any of them are followed.
 *
 * What propagation made true counts as chosen only when the walk gets there: the answer depends on the order of the clauses alone, as
 * with apt's marking, and not on how far propagation looks ahead. Where recommendations come last, as with libsolv, it does depend on that: a
 * clause is then settled by what is true already, before it chooses.
 *
 * A clause with a condition waits until the walk has come to all of its condition. Where recommendations come last, a solvable's clauses
 * are walked a second time, with its recommendations, when the requirements of all that was chosen are settled.
 *
 * The walk is a stack of frames. Frames older than the last decision are never changed but copied, so that going back to a decision
 * means going back to numbers.
 */
export class Agenda<R> {
  readonly #relations: RelationTable<R>;
  readonly #value: Int8Array;
  /** Frames, three numbers each: the clause after the last, the next clause, the frame below. */
  readonly #frames = new IntList(1024);
  #top = NOBODY;
  /** Frames before this one belong to an earlier decision. */
  #frozen = 0;
  /** Next root to choose. */
  #root = 0;
  /** By solvable: clause that chose it, or {@link NOBODY}. */
  readonly #chosenBy: Int32Array;
  readonly #chosen = new IntList(256);
  /** Recommendations that stood in the way; each is followed after all else. */
  readonly #late: number[] = [];
  /** By relation: its place in `#late`. */
  readonly #latePlace = new Map<number, number>();
  /** Next of them to follow. */
  #nextLate = 0;
  /** Recommendations that stood in the way even then; they are not followed. */
  readonly #abandoned = new Set<number>();
  /** By relation: targets that are tried last. */
  readonly #avoided = new Map<number, Set<number>>();
  /** Recommendations that stay blocked. */
  readonly #accepted = new Set<number>();
  readonly #last: boolean;
  /** By solvable: its place in `#chosen`. */
  readonly #place: Int32Array;
  /** Where recommendations come last: the next of `#chosen` whose recommendations are followed. */
  #nextAgain = 0;
  /** Where recommendations come last: how many of `#chosen` were there when this round of recommendations began. */
  #roundStart = 0;
  /** For each decision: top frame, number of frames and of choices, next root, next late recommendation, next second walk, begin of the round. */
  readonly #marks = new IntList(256);

  /** @param last recommendations are followed when all requirements are settled. */
  constructor(count: number, relations: RelationTable<R>, assignment: Assignment, last: boolean) {
    this.#relations = relations;
    this.#value = assignment.value;
    this.#chosenBy = new Int32Array(count + 1).fill(NOBODY);
    this.#last = last;
    this.#place = new Int32Array(last ? count + 1 : 0);
  }

  /** Begins, once the roots are in the table. */
  start(): void {
    this.#enter(0);
  }

  /** Solvables in the order in which they were chosen. */
  get chosen(): Int32Array {
    return this.#chosen.data.subarray(0, this.#chosen.length);
  }

  /** The clause that chose a solvable, or a negative number. */
  chosenBy(solvable: number): number {
    return this.#chosenBy[solvable];
  }

  isChosen(solvable: number): boolean {
    return this.#chosenBy[solvable] !== NOBODY;
  }

  /** True when all of a clause's condition was chosen, and nothing that it wants absent. */
  isActive(relation: number): boolean {
    for (const condition of this.#relations.when(relation)) if (this.#chosenBy[condition] === NOBODY) return false;
    for (const other of this.#relations.unless(relation)) if (this.#chosenBy[other] !== NOBODY) return false;
    return true;
  }

  /** True when a clause is active and none of its targets was chosen. */
  isUnmet(relation: number): boolean {
    for (const target of this.#relations.targets(relation)) if (this.#chosenBy[target] !== NOBODY) return false;
    return this.isActive(relation);
  }

  /** Puts a recommendation off until all else is settled; the second time, for good. */
  giveWay(relation: number): void {
    if (this.#latePlace.has(relation)) this.#abandoned.add(relation);
    else this.#latePlace.set(relation, this.#late.push(relation) - 1);
  }

  /**
   * Puts a target of one clause behind its other targets.
   *
   * @returns false when it has no others, or is there already.
   */
  avoid(relation: number, target: number): boolean {
    const avoided = this.#avoided.get(relation) ?? new Set();
    if (this.#relations.targets(relation).length < 2 || avoided.has(target)) return false;
    this.#avoided.set(relation, avoided.add(target));
    return true;
  }

  /** Passes over a blocked recommendation. */
  accept(relation: number): void {
    this.#accepted.add(relation);
  }

  /** Walks on to the next decision; undefined when everything is settled. */
  next(): Wish | undefined {
    const { end } = this.#relations;
    for (; this.#root < end[0]; this.#root++) {
      const target = this.#settle(this.#root);
      if (target < 0) return { solvable: target === BLOCKED ? 0 : -target, relation: this.#root };
    }
    for (;;) {
      for (;;) {
        if (this.#top === NOBODY) {
          const wish = this.#settleAbsent();
          if (wish !== undefined) return wish;
          if (this.#top === NOBODY && !this.#enterAgain() && !this.#enterLate()) break;
        }
        const relation = this.#frames.data[this.#top + 1];
        if (relation === this.#frames.data[this.#top]) {
          this.#top = this.#frames.data[this.#top + 2];
          continue;
        }
        const target = this.#settle(relation);
        if (target < 0) return { solvable: target === BLOCKED ? 0 : -target, relation };
        this.#advance();
        if (target > 0 && this.#chosenBy[target] === relation) this.#enter(target);
      }
      const wish = this.#settleConditional();
      if (wish !== undefined || this.#top === NOBODY) return wish;
    }
  }

  /** Settles clauses whose condition was met after the walk had passed them; stops at the first that chooses something. */
  #settleConditional(): Wish | undefined {
    for (const relation of this.#relations.conditional) {
      const owner = this.#relations.owner(relation);
      if (owner !== 0 && !this.isChosen(owner)) continue;
      const chosen = this.#chosen.length;
      const target = this.#settle(relation);
      if (target < 0) return { solvable: target === BLOCKED ? 0 : -target, relation };
      if (this.#chosen.length === chosen) continue;
      this.#enter(target);
      return undefined;
    }
    return undefined;
  }

  /** Settles recommendations that ask for an absence, once a round; stops at the first that chooses something. */
  #settleAbsent(): Wish | undefined {
    const { absent } = this.#relations;
    if (absent.length === 0) return undefined;
    if (this.#nextAgain >= this.#roundStart) this.#roundStart = this.#chosen.length;
    for (const relation of absent) {
      const owner = this.#relations.owner(relation);
      if ((owner !== 0 && !this.#wasThere(owner)) || !this.#wasActive(relation)) continue;
      const chosen = this.#chosen.length;
      const target = this.#follow(relation);
      if (target < 0) return { solvable: target === BLOCKED ? 0 : -target, relation };
      if (this.#chosen.length === chosen) continue;
      this.#enter(target);
      return undefined;
    }
    return undefined;
  }

  /** {@link isActive} as it was when the round began. */
  #wasActive(relation: number): boolean {
    return (
      this.#relations.when(relation).every((condition) => this.#wasThere(condition)) &&
      !this.#relations.unless(relation).some((other) => this.#wasThere(other))
    );
  }

  #wasThere(solvable: number): boolean {
    return this.isChosen(solvable) && this.#place[solvable] < this.#roundStart;
  }

  /** Notes the place before a decision. */
  mark(): void {
    this.#marks.push(this.#top);
    this.#marks.push(this.#frames.length);
    this.#marks.push(this.#chosen.length);
    this.#marks.push(this.#root);
    this.#marks.push(this.#nextLate);
    this.#marks.push(this.#nextAgain);
    this.#marks.push(this.#roundStart);
    this.#frozen = this.#frames.length;
  }

  /** Returns to the place before the decision that followed `depth` others. */
  undoTo(depth: number): void {
    const at = depth * MARK;
    if (at >= this.#marks.length) return;
    const marks = this.#marks.data;
    this.#top = marks[at];
    this.#frames.length = marks[at + 1];
    while (this.#chosen.length > marks[at + 2]) this.#chosenBy[this.#chosen.data[--this.#chosen.length]] = NOBODY;
    this.#root = marks[at + 3];
    this.#nextLate = marks[at + 4];
    this.#nextAgain = marks[at + 5];
    this.#roundStart = marks[at + 6];
    this.#marks.length = at;
    this.#frozen = depth === 0 ? 0 : marks[at - MARK + 1];
  }

  /**
   * Settles one clause.
   *
   * @returns the chosen target that settles it; 0 when nothing has to be chosen; `-target` when that target must be decided first; or
   * {@link BLOCKED}.
   */
  #settle(relation: number): number {
    const kind = this.#relations.kind(relation);
    if (kind === 'conflicts' || kind === 'suggests' || this.#relations.unless(relation).length > 0 || !this.isActive(relation)) return 0;
    return kind === 'recommends' && !this.#isDue(relation)
      ? this.#chosenAmong(this.#relations.targets(relation), relation)
      : this.#follow(relation);
  }

  /** Settles a clause that speaks and whose turn it is. @returns as {@link #settle}. */
  #follow(relation: number): number {
    const kind = this.#relations.kind(relation);
    const targets = this.#relations.targets(relation);
    const settled = this.#chosenAmong(targets, relation);
    if (settled !== 0) return settled;
    if (kind === 'recommends' && this.#gaveWay(relation)) return 0;
    const target = this.#firstPossible(relation, targets);
    if (target === 0) return kind === 'requires' || targets.length === 0 || this.#accepted.has(relation) ? 0 : BLOCKED;
    if (this.#value[taken(target)] === 0) return -target;
    this.#chosenBy[target] = relation;
    if (this.#last) this.#place[target] = this.#chosen.length;
    this.#chosen.push(target);
    return target;
  }

  /** A target that was chosen already, before all others the one that this clause chose; 0 when there is none. */
  #chosenAmong(targets: readonly number[], relation: number): number {
    let found = 0;
    for (const target of targets) {
      if (this.#chosenBy[target] === relation) return target;
      if (found === 0 && this.#chosenBy[target] !== NOBODY) found = target;
    }
    return found;
  }

  /**
   * Where recommendations come last, the first target that is taken already; else the first that is suggested, else the first, else one that is
   * to be avoided; 0 when all are excluded.
   */
  #firstPossible(relation: number, targets: readonly number[]): number {
    if (this.#last) for (const target of targets) if (this.#value[taken(target)] > 0) return target;
    const avoided = this.#avoided.get(relation);
    let first = 0;
    let last = 0;
    for (const target of targets) {
      if (this.#value[taken(target)] < 0) continue;
      if (avoided !== undefined && avoided.has(target)) {
        if (last === 0) last = target;
      } else {
        if (this.#isSuggested(target)) return target;
        if (first === 0) first = target;
      }
    }
    return first === 0 ? last : first;
  }

  #isSuggested(target: number): boolean {
    for (const relation of this.#relations.suggestions(target)) {
      const owner = this.#relations.owner(relation);
      if ((owner === 0 || this.isChosen(owner)) && this.isActive(relation)) return true;
    }
    return false;
  }

  /** False for a recommendation whose turn comes when all requirements are settled. */
  #isDue(relation: number): boolean {
    const owner = this.#relations.owner(relation);
    return !this.#last || owner === 0 || this.#place[owner] < this.#nextAgain;
  }

  /** True when a recommendation is not to be followed, or not yet. */
  #gaveWay(relation: number): boolean {
    const place = this.#latePlace.get(relation);
    return place !== undefined && (place >= this.#nextLate || this.#abandoned.has(relation));
  }

  /** Begins the next late recommendation of something chosen. */
  #enterLate(): boolean {
    while (this.#nextLate < this.#late.length) {
      const relation = this.#late[this.#nextLate++];
      const owner = this.#relations.owner(relation);
      if (owner !== 0 && !this.isChosen(owner)) continue;
      this.#top = this.#push(relation + 1, relation, NOBODY);
      return true;
    }
    return false;
  }

  /** Begins the second walk through the clauses of what was chosen, where recommendations come last. */
  #enterAgain(): boolean {
    if (!this.#last || this.#nextAgain === this.#chosen.length) return false;
    this.#enter(this.#chosen.data[this.#nextAgain++]);
    return true;
  }

  #enter(owner: number): void {
    this.#top = this.#push(this.#relations.end[owner], this.#relations.first[owner], this.#top);
  }

  #advance(): void {
    const { data } = this.#frames;
    if (this.#top >= this.#frozen) data[this.#top + 1]++;
    else this.#top = this.#push(data[this.#top], data[this.#top + 1] + 1, data[this.#top + 2]);
  }

  #push(end: number, relation: number, below: number): number {
    const frame = this.#frames.length;
    this.#frames.push(end);
    this.#frames.push(relation);
    this.#frames.push(below);
    return frame;
  }
}
