import * as assignment from './assignment';
import { NO_CLAUSE } from './assignment';
import * as clauseStore from './clause-store';
import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import * as lessons from './lessons';
import { reserve } from '../../assembly/assembly/memory';

/** Finds out why a search failed: makes lessons, clauses that follow from the others and would have prevented a conflict. */

/** What is known of a solvable while a lesson is made: it is in the lesson, it follows from what is, it does not. */
const IN_LESSON: u8 = 1;
const FOLLOWS: u8 = 2;
const FOLLOWS_NOT: u8 = 3;

/** Steps that are followed to see whether a literal follows from others: a chain of requirements can be longer than the stack is deep. */
const MAX_STEPS: u32 = 1_000;

/** Literals of the last lesson. The one that becomes true after going back comes first. */
export let literals!: Numbers;
/** Level at which the first of them is forced. */
export let back: u32 = 0;
/** Number of levels that they belong to: clauses of few are useful again and again (Audemard and Simon, Glucose, 2009). */
export let levelCount: u32 = 0;
/** Solvables that took part in the last conflict that was learned from. */
export let involved!: Numbers;
/** What {@link levelsBehind} found, the latest first. */
export let levels!: Numbers;

/** By solvable, a byte each. */
let seen: usize = 0;
let touched!: Numbers;
let lower!: Numbers;
/** By level: the last lesson that has a literal of it, from 1. */
let lastOf!: Numbers;
let learned: u32 = 0;

export function begin(count: u32): void {
  seen = reserve(<u64>count + 1);
  literals = numbers(0);
  involved = numbers(0);
  levels = numbers(0);
  touched = numbers(0);
  lower = numbers(0);
  lastOf = zeros(count + 1);
}

/**
 * Learns from a violated clause, above level 0: resolves backwards along the trail until one literal of the current level is left
 * (first unique implication point; Marques-Silva and Sakallah, GRASP, 1996), then leaves out literals that the others imply. Tells the clauses that the
 * lesson follows from to `lessons`.
 *
 * @param deep also those that the others imply in several steps (Soerensson and Biere, Minimizing learned clauses, 2009).
 */
export function learn(violated: u32, deep: bool): void {
  const depth = assignment.depth();
  touched.length = 0;
  lower.length = 0;
  lessons.follow(violated);
  let open: u32 = 0;
  let at = assignment.size;
  let clause = violated;
  let pivot: u32 = 0;
  for (;;) {
    const to = clauseStore.literalsTo(clause);
    for (let from = clauseStore.literalsFrom(clause); from < to; from += 4) {
      const literal = load<u32>(from);
      const solvable = literal >> 1;
      if (solvable === pivot || seenOf(solvable) === IN_LESSON || assignment.level(solvable) === 0) continue;
      setSeen(solvable, IN_LESSON);
      touched.push(solvable);
      if (assignment.level(solvable) === depth) open++;
      else lower.push(literal);
    }
    do at--;
    while (seenOf(assignment.trailAt(at) >> 1) === 0);
    pivot = assignment.trailAt(at) >> 1;
    open--;
    if (open === 0) break;
    clause = assignment.reason(pivot);
    lessons.follow(clause);
  }
  literals.length = 0;
  literals.push(assignment.trailAt(at) ^ 1);
  for (let i: u32 = 0; i < lower.length; i++) if (!isImplied(lower.at(i) >> 1, deep)) literals.push(lower.at(i));
  involved.length = 0;
  for (let i: u32 = 0; i < touched.length; i++) if (seenOf(touched.at(i)) === IN_LESSON) involved.push(touched.at(i));
  for (let i: u32 = 0; i < touched.length; i++) setSeen(touched.at(i), 0);
  countLevels();
}

function countLevels(): void {
  learned++;
  back = 0;
  levelCount = 1;
  for (let i: u32 = 1; i < literals.length; i++) {
    const level = assignment.level(literals.at(i) >> 1);
    if (level > back) back = level;
    if (lastOf.at(level) !== learned) levelCount++;
    lastOf.set(level, learned);
  }
}

/** True when the literal of a solvable in the lesson follows from the others. */
function isImplied(solvable: u32, deep: bool): bool {
  const because = assignment.reason(solvable);
  if (because === NO_CLAUSE) return false;
  if (!(deep ? follows(because, solvable, MAX_STEPS) : followsAtOnce(because, solvable))) return false;
  lessons.follow(because);
  return true;
}

/**
 * True when all literals of a clause but that of `solvable` are in the lesson, false without any decision, or follow from such themselves.
 * False also when that takes more than `steps` to see.
 *
 * What was found of a solvable stays in `seen` until the lesson is complete, and clauses that this follows from are told.
 */
function follows(clause: u32, solvable: u32, steps: u32): bool {
  if (steps === 0) return false;
  const to = clauseStore.literalsTo(clause);
  for (let from = clauseStore.literalsFrom(clause); from < to; from += 4) {
    const other = load<u32>(from) >> 1;
    const known = seenOf(other);
    if (other === solvable || assignment.level(other) === 0 || known === IN_LESSON || known === FOLLOWS) continue;
    const because = assignment.reason(other);
    if (known === FOLLOWS_NOT || because === NO_CLAUSE) return false;
    const does = follows(because, other, steps - 1);
    touched.push(other);
    setSeen(other, does ? FOLLOWS : FOLLOWS_NOT);
    if (!does) return false;
    lessons.follow(because);
  }
  return true;
}

/** True when all literals of a clause but that of `solvable` are in the lesson, or false without any decision. */
function followsAtOnce(clause: u32, solvable: u32): bool {
  const to = clauseStore.literalsTo(clause);
  for (let from = clauseStore.literalsFrom(clause); from < to; from += 4) {
    const other = load<u32>(from) >> 1;
    if (other !== solvable && seenOf(other) === 0 && assignment.level(other) > 0) return false;
  }
  return true;
}

/** Finds the levels, from 1, whose decisions together violate a clause, or leave it no literal but that of the solvable `implied` (0: none). */
export function levelsBehind(clause: u32, implied: u32): void {
  levels.length = 0;
  mark(clause, implied);
  for (let at = assignment.size; at > 0; at--) {
    const solvable = assignment.trailAt(at - 1) >> 1;
    if (seenOf(solvable) === 0) continue;
    setSeen(solvable, 0);
    const because = assignment.reason(solvable);
    if (because === NO_CLAUSE) levels.push(assignment.level(solvable));
    else mark(because, solvable);
  }
}

function mark(clause: u32, except: u32): void {
  const to = clauseStore.literalsTo(clause);
  for (let from = clauseStore.literalsFrom(clause); from < to; from += 4) {
    const solvable = load<u32>(from) >> 1;
    if (solvable !== except && assignment.level(solvable) > 0) setSeen(solvable, 1);
  }
}

function seenOf(solvable: u32): u8 {
  return load<u8>(seen + solvable);
}

function setSeen(solvable: u32, what: u8): void {
  store<u8>(seen + solvable, what);
}
