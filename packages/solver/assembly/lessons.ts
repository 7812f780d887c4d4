import * as assignment from './assignment';
import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import * as origins from './origins';

/** What was learned, by number, and which of it is no longer worth the time that it takes. */

/** Lessons of at most so many levels are never forgotten. */
const LASTING_LEVELS: u32 = 2;
/** After how many conflicts more lessons are forgotten again, and by how much that grows each time. */
const INTERVAL: f64 = 2_000;
const LONGER: f64 = 300;

/** By lesson: its clause, or 0 when it was forgotten. */
let clauses!: Numbers;
/** By lesson: number of levels that its literals belong to. */
let levels!: Numbers;
/** By lesson: where its run of `followed` begins, and one entry more. */
let starts!: Numbers;
/** Clauses that lessons follow from, beside the reasons of what holds without any decision. */
let followed!: Numbers;
let times: f64 = 0;
let due: f64 = 0;

/** @param first conflicts before lessons are forgotten for the first time. */
export function begin(first: f64): void {
  clauses = numbers(0);
  levels = numbers(0);
  starts = numbers(0);
  followed = numbers(0);
  starts.push(0);
  due = first;
}

export function size(): u32 {
  return clauses.length;
}

/** Says that the lesson that {@link add} completes follows from a clause. */
export function follow(clause: u32): void {
  followed.push(clause);
}

/** Keeps a lesson that becomes a clause. @returns its number. */
export function add(clause: u32, levelCount: u32): u32 {
  clauses.push(clause);
  levels.push(levelCount);
  starts.push(followed.length);
  return clauses.length - 1;
}

/** Where the clauses that a lesson follows from are in the memory; forgotten lessons stay part of an explanation. */
export function followedFrom(lesson: u32): usize {
  return followed.start + ((<usize>starts.at(lesson)) << 2);
}

export function followedTo(lesson: u32): usize {
  return followed.start + ((<usize>starts.at(lesson + 1)) << 2);
}

export function isForgotten(lesson: u32): bool {
  return clauses.at(lesson) === 0;
}

/**
 * Forgets the half of the lessons that belong to most levels, of equal ones the oldest, once enough conflicts have passed; never one that a value follows
 * from. At level 0 only.
 *
 * @returns false when nothing is due.
 */
export function forget(conflicts: f64): bool {
  if (conflicts < due) return false;
  due = conflicts + INTERVAL + LONGER * ++times;
  const candidates = candidatesNow();
  // By number of levels: how many of them there are.
  const byLevels = numbers(0);
  let left: u32 = 0;
  for (let lesson: u32 = 0; lesson < clauses.length; lesson++) {
    if (candidates.at(lesson) === 0) continue;
    while (byLevels.length <= levels.at(lesson)) byLevels.push(0);
    byLevels.set(levels.at(lesson), byLevels.at(levels.at(lesson)) + 1);
    left++;
  }
  left >>= 1;
  // All with more levels than this are forgotten, and the first that have as many.
  let most = byLevels.length;
  while (left > 0 && most > 0) {
    const equal = byLevels.at(--most);
    if (equal >= left) break;
    left -= equal;
  }
  for (let lesson: u32 = 0; lesson < clauses.length; lesson++) {
    if (candidates.at(lesson) === 0 || levels.at(lesson) < most) continue;
    if (levels.at(lesson) > most) clauses.set(lesson, 0);
    else if (left > 0) {
      left--;
      clauses.set(lesson, 0);
    }
  }
  return true;
}

/** By lesson: 1 when it may be forgotten. */
function candidatesNow(): Numbers {
  const candidates = zeros(clauses.length);
  for (let lesson: u32 = 0; lesson < clauses.length; lesson++) {
    if (clauses.at(lesson) !== 0 && levels.at(lesson) > LASTING_LEVELS) candidates.set(lesson, 1);
  }
  for (let at: u32 = 0; at < assignment.size; at++) {
    const clause = assignment.reason(assignment.trailAt(at) >> 1);
    if (origins.isLesson(clause)) candidates.set(origins.numberOf(clause), 0);
  }
  return candidates;
}
