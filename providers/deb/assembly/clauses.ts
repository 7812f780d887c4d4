import { numbers, Numbers } from '../../../packages/assembly/assembly/columns';
import * as lists from './lists';
import { rivals as rivalsOf } from './offers';
import { fieldOf, nameOfSolvable, placeOfSolvable, Pool } from './pool';
import { BREAKS, CONFLICTS, DEPENDS, FIELDS, PRE_DEPENDS, PROVIDES, RECOMMENDS, UNREADABLE } from './relations';
import { ELSEWHERE, excluded as excludedBy, targets as targetsOf } from './satisfaction';

/** What packages need and exclude, as `createClauses` of src/resolve/resolve-clauses.ts gives it to the solver. */

/** Kinds of clauses, as the numbers of `@ict/solver`. */
const KIND_REQUIRES: u32 = 0;
const KIND_RECOMMENDS: u32 = 1;
const KIND_CONFLICTS: u32 = 3;

/** In place of a field: other packages of the name; and the package cannot be read. */
export const RIVALS: u32 = FIELDS;
export const BROKEN: u32 = FIELDS + 1;

/** Clauses: kind, number of targets, targets. */
let words!: Numbers;
/** Of each clause: the field that says so, and the group. */
let reasons!: Numbers;

export function begin(): void {
  words = numbers(1 << 10);
  reasons = numbers(1 << 8);
}

/** Writes the clauses of a solvable, in apt's order: Pre-Depends, Depends, Conflicts, Breaks, then Recommends where they count. @returns how many words. */
export function clausesOf(pool: Pool, solvable: u32, recommends: bool): u32 {
  words.length = 0;
  reasons.length = 0;
  const place = placeOfSolvable(pool, solvable);
  const rivals = rivalsOf(pool, solvable);
  if (lists.sizeOf(rivals) > 0) add(KIND_CONFLICTS, rivals, RIVALS, 0);
  const isWhole =
    addNeeds(pool, solvable, place, KIND_REQUIRES, PRE_DEPENDS) &&
    addNeeds(pool, solvable, place, KIND_REQUIRES, DEPENDS) &&
    addExclusions(pool, solvable, place, CONFLICTS) &&
    addExclusions(pool, solvable, place, BREAKS) &&
    fieldOf(pool, solvable, PROVIDES) != UNREADABLE;
  if (!isWhole) {
    // What cannot be read is never taken.
    words.length = 0;
    reasons.length = 0;
    add(KIND_REQUIRES, lists.empty, BROKEN, 0);
  } else if (recommends) {
    addNeeds(pool, solvable, place, KIND_RECOMMENDS, RECOMMENDS);
  }
  return words.length;
}

/** Where the words of {@link clausesOf} lie, and its reasons: two numbers for each clause. */
export function clauseWords(): usize {
  return words.start;
}

export function clauseReasons(): usize {
  return reasons.start;
}

function addNeeds(pool: Pool, solvable: u32, place: u32, kind: u32, field: u32): bool {
  const groups = fieldOf(pool, solvable, field);
  if (groups == UNREADABLE) return false;
  const size = lists.sizeOf(groups);
  for (let at: u32 = 0; at < size; at++) {
    const group = lists.at(groups, at);
    const targets = targetsOf(pool, group, place);
    if (targets != ELSEWHERE) add(kind, targets, field, group);
  }
  return true;
}

/** Never another package of the own name: whether two of a name go together is told by their rivals. */
function addExclusions(pool: Pool, solvable: u32, place: u32, field: u32): bool {
  const groups = fieldOf(pool, solvable, field);
  if (groups == UNREADABLE) return false;
  const own = nameOfSolvable(pool, solvable);
  const size = lists.sizeOf(groups);
  for (let at: u32 = 0; at < size; at++) {
    const group = lists.at(groups, at);
    const excluded = excludedBy(pool, group, place);
    const from = words.length;
    words.push(KIND_CONFLICTS);
    words.push(0);
    const count = lists.sizeOf(excluded);
    for (let i: u32 = 0; i < count; i++) {
      const other = lists.at(excluded, i);
      if (nameOfSolvable(pool, other) != own) words.push(other);
    }
    const kept = words.length - from - 2;
    if (kept == 0) {
      words.length = from;
      continue;
    }
    words.set(from + 1, kept);
    reasons.push(field);
    reasons.push(group);
  }
  return true;
}

function add(kind: u32, targets: u32, field: u32, group: u32): void {
  const size = lists.sizeOf(targets);
  words.push(kind);
  words.push(size);
  for (let at: u32 = 0; at < size; at++) words.push(lists.at(targets, at));
  reasons.push(field);
  reasons.push(group);
}
