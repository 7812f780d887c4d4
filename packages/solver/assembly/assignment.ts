import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import { reserve } from '../../assembly/assembly/memory';

/** Which solvables are taken or excluded, since which decision, and because of which clause; undone from the end. */

/** In place of a clause: that of a solvable that was decided, or has no value. Clauses are numbered from 1. */
export const NO_CLAUSE: u32 = 0;

/** How many solvables there are. */
export let solvables: u32 = 0;
/** By literal, a byte each: 1 true, -1 false, 0 open. */
let values: usize = 0;
/** By solvable: decision level of its value. */
let levels!: Numbers;
/** By solvable: clause that forced its value, or {@link NO_CLAUSE}. */
let reasons!: Numbers;
/** True literals in the order in which they became true. */
let trail!: Numbers;
/** Length of the trail. */
export let size: u32 = 0;
/** Length of the trail before each decision. */
let limits!: Numbers;

export function begin(count: u32): void {
  solvables = count;
  values = reserve(2 * (<u64>count + 1));
  levels = zeros(count + 1);
  reasons = zeros(count + 1);
  trail = zeros(count + 1);
  limits = numbers(0);
}

export function value(literal: u32): i32 {
  return load<i8>(values + literal);
}

export function level(solvable: u32): u32 {
  return levels.at(solvable);
}

export function reason(solvable: u32): u32 {
  return reasons.at(solvable);
}

export function trailAt(place: u32): u32 {
  return trail.at(place);
}

/** Number of decisions that hold now. */
export function depth(): u32 {
  return limits.length;
}

/** The literal that was decided at a level, from 1. */
export function decisionAt(at: u32): u32 {
  return trail.at(limits.at(at - 1));
}

/** Length of the trail before the decisions above a level. */
export function sizeAt(at: u32): u32 {
  return at >= limits.length ? size : limits.at(at);
}

/** Opens a new level. */
export function decide(literal: u32): void {
  limits.push(size);
  set(literal, NO_CLAUSE);
}

/** Makes a literal true at the current level. It must be open. */
export function set(literal: u32, because: u32): void {
  const solvable = literal >> 1;
  store<i8>(values + literal, 1);
  store<i8>(values + (literal ^ 1), -1);
  levels.set(solvable, limits.length);
  reasons.set(solvable, because);
  trail.set(size++, literal);
}

/** Forgets every value above a level. */
export function undoTo(to: u32): void {
  if (to >= limits.length) return;
  const keep = limits.at(to);
  while (size > keep) {
    const literal = trail.at(--size);
    store<i8>(values + literal, 0);
    store<i8>(values + (literal ^ 1), 0);
    reasons.set(literal >> 1, NO_CLAUSE);
  }
  limits.length = to;
}
