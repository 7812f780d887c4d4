import * as assignment from './assignment';
import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import { taken } from './literals';
import * as relations from './relation-table';
import { CONFLICTS, NO_RELATION, RECOMMENDS, REQUIRES, SUGGESTS } from './relation-table';

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

/** A decision that the agenda asks for, when {@link next} found one; 0 when the clause is a recommendation and all its targets are excluded. */
export let wish: u32 = 0;
/** The clause that it settles. */
export let wishRelation: u32 = 0;

/** Outcome of settling: a recommendation has targets, and all are excluded. */
const BLOCKED: i32 = i32.MIN_VALUE;
/** Numbers kept for each frame, and for each decision. */
const FRAME: u32 = 3;
const MARK: u32 = 7;
const NO_FRAME: u32 = 0;

/** Notes on a recommendation. What is above them is its place in `late` + 1. */
const ABANDONED: u32 = 1;
const ACCEPTED: u32 = 2;
/** It has targets that are tried last. */
const AVOIDS: u32 = 4;
const PLACE_SHIFT: u32 = 3;

/** Frames, three numbers each: the clause after the last, the next clause, the frame below. */
let frames!: Numbers;
let top: u32 = NO_FRAME;
/** Frames before this one belong to an earlier decision. */
let frozen: u32 = 0;
/** Next root to choose. */
let root: u32 = 0;
/** By solvable: clause that chose it, or none. */
let choosers!: Numbers;
/** Solvables in the order in which they were chosen. */
export let chosen!: Numbers;
/** Recommendations that stood in the way; each is followed after all else. */
let late!: Numbers;
/** Next of them to follow. */
let nextLate: u32 = 0;
/** By relation: its notes; of those after the last there are none. */
let notes!: Numbers;
/** Pairs of a relation and a target that is tried last. */
let avoided!: Numbers;
/** Recommendations are followed when all requirements are settled. */
let isLast: bool = false;
/** By solvable: its place in `chosen`. */
let places!: Numbers;
/** Where recommendations come last: the next of `chosen` whose recommendations are followed. */
let nextAgain: u32 = 0;
/** Where recommendations come last: how many of `chosen` were there when this round of recommendations began. */
let roundStart: u32 = 0;
/** For each decision: top frame, number of frames and of choices, next root, next late recommendation, next second walk, begin of the round. */
let marks!: Numbers;

/** @param last recommendations are followed when all requirements are settled. */
export function begin(count: u32, last: bool): void {
  frames = zeros(FRAME);
  choosers = zeros(count + 1);
  chosen = numbers(256);
  late = numbers(0);
  notes = numbers(0);
  avoided = numbers(0);
  isLast = last;
  places = zeros(last ? count + 1 : 0);
  marks = numbers(256);
}

/** Begins, once the roots are in the table. */
export function start(): void {
  root = relations.first(0);
  enter(0);
}

/** The clause that chose a solvable, or none. */
export function chosenBy(solvable: u32): u32 {
  return choosers.at(solvable);
}

function isChosen(solvable: u32): bool {
  return choosers.at(solvable) !== NO_RELATION;
}

/** True for the request, and for what is chosen. */
function isIn(owner: u32): bool {
  return owner === 0 || isChosen(owner);
}

/** True when all of a clause's condition was chosen, and nothing that it wants absent. */
function isActive(relation: u32): bool {
  const whenTo = relations.whenTo(relation);
  for (let at = relations.whenFrom(relation); at < whenTo; at += 4) if (!isChosen(load<u32>(at))) return false;
  const unlessTo = relations.unlessTo(relation);
  for (let at = relations.unlessFrom(relation); at < unlessTo; at += 4) if (isChosen(load<u32>(at))) return false;
  return true;
}

/** True when a clause is active and none of its targets was chosen. */
export function isUnmet(relation: u32): bool {
  const to = relations.targetsTo(relation);
  for (let at = relations.targetsFrom(relation); at < to; at += 4) if (isChosen(load<u32>(at))) return false;
  return isActive(relation);
}

/** Puts a recommendation off until all else is settled; the second time, for good. */
export function giveWay(relation: u32): void {
  if (notesOf(relation) >> PLACE_SHIFT > 0) {
    note(relation, ABANDONED);
    return;
  }
  late.push(relation);
  note(relation, late.length << PLACE_SHIFT);
}

/**
 * Puts a target of one clause behind its other targets.
 *
 * @returns false when it has no others, or is there already.
 */
export function avoid(relation: u32, target: u32): bool {
  if (relations.targetsTo(relation) - relations.targetsFrom(relation) < 8 || avoids(relation, target)) return false;
  note(relation, AVOIDS);
  avoided.push(relation);
  avoided.push(target);
  return true;
}

/** Passes over a blocked recommendation. */
export function accept(relation: u32): void {
  note(relation, ACCEPTED);
}

/** Walks on to the next decision; false when everything is settled. */
export function next(): bool {
  const rootEnd = relations.end(0);
  for (; root < rootEnd; root++) if (asks(settle(root), root)) return true;
  while (true) {
    while (true) {
      if (top === NO_FRAME) {
        if (settleAbsent()) return true;
        if (top === NO_FRAME && !enterAgain() && !enterLate()) break;
      }
      const relation = frames.at(top + 1);
      if (relation === frames.at(top)) {
        top = frames.at(top + 2);
        continue;
      }
      const target = settle(relation);
      if (asks(target, relation)) return true;
      advance();
      if (target > 0 && choosers.at(target) === relation) enter(target);
    }
    if (settleConditional()) return true;
    if (top === NO_FRAME) return false;
  }
}

/** True when a clause was not settled as {@link settle} tells; notes what it asks for then. */
function asks(settled: i32, relation: u32): bool {
  if (settled >= 0) return false;
  wish = settled === BLOCKED ? 0 : -settled;
  wishRelation = relation;
  return true;
}

/**
 * Settles clauses whose condition was met after the walk had passed them; stops at the first that chooses something.
 *
 * @returns true when one asks for a decision.
 */
function settleConditional(): bool {
  const length = relations.conditional.length;
  for (let i: u32 = 0; i < length; i++) {
    const relation = relations.conditional.at(i);
    if (!isIn(relations.owner(relation))) continue;
    const before = chosen.length;
    const target = settle(relation);
    if (asks(target, relation)) return true;
    if (chosen.length === before) continue;
    enter(target);
    return false;
  }
  return false;
}

/** Settles recommendations that ask for an absence, once a round, as {@link settleConditional}. */
function settleAbsent(): bool {
  const length = relations.absent.length;
  if (length === 0) return false;
  if (nextAgain >= roundStart) roundStart = chosen.length;
  for (let i: u32 = 0; i < length; i++) {
    const relation = relations.absent.at(i);
    const owner = relations.owner(relation);
    if ((owner !== 0 && !wasThere(owner)) || !wasActive(relation)) continue;
    const before = chosen.length;
    const target = follow(relation);
    if (asks(target, relation)) return true;
    if (chosen.length === before) continue;
    enter(target);
    return false;
  }
  return false;
}

/** {@link isActive} as it was when the round began. */
function wasActive(relation: u32): bool {
  const whenTo = relations.whenTo(relation);
  for (let at = relations.whenFrom(relation); at < whenTo; at += 4) if (!wasThere(load<u32>(at))) return false;
  const unlessTo = relations.unlessTo(relation);
  for (let at = relations.unlessFrom(relation); at < unlessTo; at += 4) if (wasThere(load<u32>(at))) return false;
  return true;
}

function wasThere(solvable: u32): bool {
  return isChosen(solvable) && places.at(solvable) < roundStart;
}

/** Notes the place before a decision. */
export function mark(): void {
  marks.push(top);
  marks.push(frames.length);
  marks.push(chosen.length);
  marks.push(root);
  marks.push(nextLate);
  marks.push(nextAgain);
  marks.push(roundStart);
  frozen = frames.length;
}

/** Returns to the place before the decision that followed `depth` others. */
export function undoTo(depth: u32): void {
  const at = depth * MARK;
  if (at >= marks.length) return;
  top = marks.at(at);
  frames.length = marks.at(at + 1);
  while (chosen.length > marks.at(at + 2)) choosers.set(chosen.at(--chosen.length), NO_RELATION);
  root = marks.at(at + 3);
  nextLate = marks.at(at + 4);
  nextAgain = marks.at(at + 5);
  roundStart = marks.at(at + 6);
  marks.length = at;
  frozen = depth === 0 ? 0 : marks.at(at - MARK + 1);
}

/**
 * Settles one clause.
 *
 * @returns the chosen target that settles it; 0 when nothing has to be chosen; `-target` when that target must be decided first; or
 * {@link BLOCKED}.
 */
function settle(relation: u32): i32 {
  const kind = relations.kindOf(relation);
  if (kind === CONFLICTS || kind === SUGGESTS || relations.asksAbsence(relation) || !isActive(relation)) return 0;
  return kind === RECOMMENDS && !isDue(relation) ? chosenAmong(relation) : follow(relation);
}

/** Settles a clause that speaks and whose turn it is. @returns as {@link settle}. */
function follow(relation: u32): i32 {
  const kind = relations.kindOf(relation);
  const settled = chosenAmong(relation);
  if (settled !== 0) return settled;
  if (kind === RECOMMENDS && gaveWay(relation)) return 0;
  const target = firstPossible(relation);
  if (target === 0) {
    const isNothing = kind === REQUIRES || relations.targetsFrom(relation) === relations.targetsTo(relation);
    return isNothing || (notesOf(relation) & ACCEPTED) !== 0 ? 0 : BLOCKED;
  }
  if (assignment.value(taken(target)) === 0) return -(<i32>target);
  choosers.set(target, relation);
  if (isLast) places.set(target, chosen.length);
  chosen.push(target);
  return target;
}

/** A target that was chosen already, before all others the one that this clause chose; 0 when there is none. */
function chosenAmong(relation: u32): u32 {
  const to = relations.targetsTo(relation);
  let found: u32 = 0;
  for (let at = relations.targetsFrom(relation); at < to; at += 4) {
    const target = load<u32>(at);
    const chooser = choosers.at(target);
    if (chooser === relation) return target;
    if (found === 0 && chooser !== NO_RELATION) found = target;
  }
  return found;
}

/**
 * Where recommendations come last, the first target that is taken already; else the first that is suggested, else the first, else one that is
 * to be avoided; 0 when all are excluded.
 */
function firstPossible(relation: u32): u32 {
  const from = relations.targetsFrom(relation);
  const to = relations.targetsTo(relation);
  if (isLast) for (let at = from; at < to; at += 4) if (assignment.value(taken(load<u32>(at))) > 0) return load<u32>(at);
  let first: u32 = 0;
  let last: u32 = 0;
  for (let at = from; at < to; at += 4) {
    const target = load<u32>(at);
    if (assignment.value(taken(target)) < 0) continue;
    if (avoids(relation, target)) {
      if (last === 0) last = target;
    } else {
      if (isSuggested(target)) return target;
      if (first === 0) first = target;
    }
  }
  return first === 0 ? last : first;
}

function isSuggested(target: u32): bool {
  for (let node = relations.suggestionsOf(target); node !== 0; node = relations.suggestionBefore(node)) {
    const relation = relations.suggestion(node);
    if (isIn(relations.owner(relation)) && isActive(relation)) return true;
  }
  return false;
}

/** False for a recommendation whose turn comes when all requirements are settled. */
function isDue(relation: u32): bool {
  const owner = relations.owner(relation);
  return !isLast || owner === 0 || places.at(owner) < nextAgain;
}

function notesOf(relation: u32): u32 {
  return relation < notes.length ? notes.at(relation) : 0;
}

function note(relation: u32, what: u32): void {
  while (notes.length <= relation) notes.push(0);
  notes.set(relation, notes.at(relation) | what);
}

/** True when a target is behind the others of a clause. */
function avoids(relation: u32, target: u32): bool {
  if ((notesOf(relation) & AVOIDS) === 0) return false;
  for (let i: u32 = 0; i < avoided.length; i += 2) if (avoided.at(i) === relation && avoided.at(i + 1) === target) return true;
  return false;
}

/** True when a recommendation is not to be followed, or not yet. */
function gaveWay(relation: u32): bool {
  const noted = notesOf(relation);
  const place = noted >> PLACE_SHIFT;
  return place > 0 && (place > nextLate || (noted & ABANDONED) !== 0);
}

/** Begins the next late recommendation of something chosen. */
function enterLate(): bool {
  while (nextLate < late.length) {
    const relation = late.at(nextLate++);
    if (!isIn(relations.owner(relation))) continue;
    top = push(relation + 1, relation, NO_FRAME);
    return true;
  }
  return false;
}

/** Begins the second walk through the clauses of what was chosen, where recommendations come last. */
function enterAgain(): bool {
  if (!isLast || nextAgain === chosen.length) return false;
  enter(chosen.at(nextAgain++));
  return true;
}

function enter(owner: u32): void {
  top = push(relations.end(owner), relations.first(owner), top);
}

function advance(): void {
  if (top >= frozen) frames.set(top + 1, frames.at(top + 1) + 1);
  else top = push(frames.at(top), frames.at(top + 1) + 1, frames.at(top + 2));
}

function push(end: u32, relation: u32, below: u32): u32 {
  const frame = frames.length;
  frames.push(end);
  frames.push(relation);
  frames.push(below);
  return frame;
}
