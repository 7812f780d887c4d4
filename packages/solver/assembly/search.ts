import * as activity from './activity';
import * as agenda from './agenda';
import * as analysis from './conflict-analysis';
import * as assignment from './assignment';
import { NO_CLAUSE } from './assignment';
import * as clauseStore from './clause-store';
import { Numbers, numbers } from '../../assembly/assembly/columns';
import * as lessons from './lessons';
import { notTaken, taken } from './literals';
import { luby } from './luby';
import { reserve } from '../../assembly/assembly/memory';
import * as origins from './origins';
import * as relations from './relation-table';
import { CONFLICTS, RECOMMENDS, REQUIRES } from './relation-table';

/**
 * One conflict-driven search. Its clauses are loaded when a solvable is taken; it decides in the order of the agenda.
 *
 * Recommendations are no clauses, only wishes: they never make a problem unsolvable. When what they brought in stands in the way of a
 * later choice that something requires, the recommendation gives way: it is tried again when all else is settled.
 *
 * Where conflicts are many, solvables that took part in them are decided first, each as it was last. What that takes in beyond need is
 * no member of the answer: members are only those that the agenda, whose turn comes afterwards, has a clause for.
 */

/**
 * Has the caller write the clauses of a solvable that was just taken, or of the request (0), behind what it has written already. @returns how many words it has
 * written in all.
 *
 * Imported as `clausesOf` of the module `search`.
 */
declare function clausesOf(owner: u32): u32;

/** How a search ends. */
const SOLVED: u32 = 0;
const UNSOLVABLE: u32 = 1;
const LIMIT: u32 = 2;

/** Conflicts after which a search gives up, and those of `Patience`. */
let limit: f64 = 0;
let preferences: f64 = 0;
let restart: f64 = 0;

/** By solvable, a byte each: 1 when its clauses were loaded. */
let loaded: usize = 0;
/** By solvable, a byte each: 1 when it was taken the last time that it had a value. */
let phases: usize = 0;
/** By level, from 1: level of the recommendation for whose sake it was decided, or 0. */
let softLevel!: Numbers;
/** By level, from 1: the clause that was settled by its decision. */
let settled!: Numbers;
let softLevels: u32 = 0;
let queue: u32 = 0;
let lastRestart: u32 = 0;

/** Solvables whose clauses were loaded. */
export let solvables: u32 = 0;
export let decisions: u32 = 0;
export let conflicts: u32 = 0;
export let restarts: u32 = 0;

/** Of an answer: solvables, each with the relation that chose it and that relation's owner. */
export let members!: Numbers;
/** Of an answer: recommendations that speak and that nothing chosen satisfies, each with its owner. */
export let dropped!: Numbers;
/** Of a contradiction: as `origins.core` tells. */
export let core!: Numbers;

/** Sets all up. @param last recommendations are followed when all requirements are settled. */
export function begin(count: u32, last: bool, maxConflicts: f64, untilActivity: f64, untilRestart: f64, untilForgetting: f64): void {
  limit = maxConflicts;
  preferences = untilActivity;
  restart = untilRestart;
  lessons.begin(untilForgetting);
  relations.begin(count);
  assignment.begin(count);
  clauseStore.begin(count);
  origins.begin();
  analysis.begin(count);
  agenda.begin(count, last);
  activity.begin(count);
  loaded = reserve(<u64>count + 1);
  phases = reserve(<u64>count + 1);
  softLevel = numbers(256);
  settled = numbers(256);
  members = numbers(0);
  dropped = numbers(0);
  core = numbers(0);
}

/** Runs to the end. @returns how it ended. */
export function run(): u32 {
  let violated = take(0);
  agenda.start();
  while (true) {
    if (violated === NO_CLAUSE) violated = propagate();
    if (violated !== NO_CLAUSE) {
      if (assignment.depth() === 0) {
        core = origins.core(violated);
        return UNSOLVABLE;
      }
      if (<f64>++conflicts > limit) return LIMIT;
      violated = recover(violated);
      continue;
    }
    if (<f64>(conflicts - lastRestart) >= restart * <f64>luby(restarts + 1)) {
      restarts++;
      lastRestart = conflicts;
      backTo(0);
      if (lessons.forget(<f64>conflicts)) clauseStore.unwatchForgotten();
      continue;
    }
    if (<f64>conflicts > preferences && decideActive()) continue;
    if (!agenda.next()) {
      tellAnswer();
      return SOLVED;
    }
    if (agenda.wish === 0) reconsider(agenda.wishRelation);
    else decide(agenda.wish, agenda.wishRelation);
  }
}

/** Number of clauses that are no lessons. */
export function clauseCount(): u32 {
  return clauseStore.size() - lessons.size();
}

/**
 * A recommendation is blocked. When only a choice stands in the way that was itself made for the sake of a recommendation, goes back
 * and has that choice try its other targets first, so that both can be followed.
 */
function reconsider(relation: u32): void {
  const to = relations.targetsTo(relation);
  for (let at = relations.targetsFrom(relation); at < to; at += 4) {
    const target = load<u32>(at);
    const because = assignment.reason(target);
    if (because === NO_CLAUSE) continue;
    analysis.levelsBehind(because, target);
    for (let i: u32 = 0; i < analysis.levels.length; i++) {
      const level = analysis.levels.at(i);
      if (softOf(level) === 0 || !agenda.avoid(settled.at(level - 1), assignment.decisionAt(level) >> 1)) continue;
      backTo(level - 1);
      return;
    }
  }
  agenda.accept(relation);
}

function decide(solvable: u32, relation: u32): void {
  open(taken(solvable));
  let level = assignment.depth();
  if (relations.kindOf(relation) !== RECOMMENDS) {
    level = softOf(assignment.level(relations.owner(relation)));
    const to = relations.whenTo(relation);
    for (let at = relations.whenFrom(relation); at < to; at += 4) level = max(level, softOf(assignment.level(load<u32>(at))));
  }
  softLevel.push(level);
  settled.push(relation);
  if (level > 0) softLevels++;
}

/** Opens a level with a decision. */
function open(literal: u32): void {
  agenda.mark();
  assignment.decide(literal);
  decisions++;
}

/** Decides the most active solvable that is open. @returns false when there is none. */
function decideActive(): bool {
  while (true) {
    const solvable = activity.take();
    if (solvable === 0) return false;
    if (assignment.value(taken(solvable)) !== 0) continue;
    open(load<u8>(phases + solvable) === 1 ? taken(solvable) : notTaken(solvable));
    softLevel.push(0);
    settled.push(0);
    return true;
  }
}

function softOf(level: u32): u32 {
  return level === 0 ? 0 : softLevel.at(level - 1);
}

function backTo(level: u32): void {
  for (let at = assignment.sizeAt(level); at < assignment.size; at++) {
    const literal = assignment.trailAt(at);
    store<u8>(phases + (literal >> 1), <u8>(~literal & 1));
    activity.offer(literal >> 1);
  }
  assignment.undoTo(level);
  agenda.undoTo(level);
  while (softLevel.length > level) if (softLevel.at(--softLevel.length) > 0) softLevels--;
  settled.length = softLevel.length;
  queue = min(queue, assignment.size);
}

/** @returns a violated clause, or none. */
function propagate(): u32 {
  while (queue < assignment.size) {
    const literal = assignment.trailAt(queue++);
    const solvable = literal >> 1;
    if ((literal & 1) === 0 && load<u8>(loaded + solvable) === 0) {
      const violated = take(solvable);
      if (violated !== NO_CLAUSE) return violated;
    }
    const violated = clauseStore.propagateFalse(literal ^ 1);
    if (violated !== NO_CLAUSE) return violated;
  }
  return NO_CLAUSE;
}

/** Encodes the clauses of a solvable that was just taken, or of the request. @returns a violated clause, or none. */
function take(owner: u32): u32 {
  if (owner !== 0) solvables++;
  store<u8>(loaded + owner, 1);
  relations.add(owner, clausesOf(owner));
  const end = relations.end(owner);
  let violated = NO_CLAUSE;
  for (let relation = relations.first(owner); relation < end; relation++) {
    const kind = relations.kindOf(relation);
    const from = relations.targetsFrom(relation);
    const to = relations.targetsTo(relation);
    if (kind === CONFLICTS) {
      for (let at = from; at < to; at += 4) {
        const target = load<u32>(at);
        if (target === owner) continue;
        clauseStore.push(notTaken(target));
        violated = closeClause(owner, relation, violated);
      }
    } else if (kind === REQUIRES && !isTrivial(owner, relation)) {
      for (let at = from; at < to; at += 4) {
        const literal = taken(load<u32>(at));
        if (!clauseStore.has(literal)) clauseStore.push(literal);
      }
      violated = closeClause(owner, relation, violated);
    }
  }
  return violated;
}

/** True for a requirement of what is there when it speaks. */
function isTrivial(owner: u32, relation: u32): bool {
  if (owner !== 0 && isTarget(owner, relation)) return true;
  const to = relations.whenTo(relation);
  for (let at = relations.whenFrom(relation); at < to; at += 4) if (isTarget(load<u32>(at), relation)) return true;
  return false;
}

function isTarget(solvable: u32, relation: u32): bool {
  const to = relations.targetsTo(relation);
  for (let at = relations.targetsFrom(relation); at < to; at += 4) if (load<u32>(at) === solvable) return true;
  return false;
}

/** Completes a clause by whose it is and when it speaks. @returns the violated clause that is to be learned from. */
function closeClause(owner: u32, relation: u32, violated: u32): u32 {
  if (owner !== 0) clauseStore.push(notTaken(owner));
  const to = relations.whenTo(relation);
  for (let at = relations.whenFrom(relation); at < to; at += 4) {
    const literal = notTaken(load<u32>(at));
    if (!clauseStore.has(literal)) clauseStore.push(literal);
  }
  origins.addRelation(relation);
  if (!clauseStore.close()) return violated;
  const clause = clauseStore.size();
  // Nothing watches a clause of one literal: it must be the one that is learned from.
  return violated === NO_CLAUSE || clauseStore.sizeOf(clause) === 1 ? clause : violated;
}

/** Learns from a violated clause and goes back. @returns a violated clause, or none. */
function recover(violated: u32): u32 {
  const yielding = yieldingLevel(violated);
  analysis.learn(violated, <f64>conflicts > preferences);
  activity.conflict(analysis.involved);
  const literals = analysis.literals;
  if (yielding > 0) {
    agenda.giveWay(settled.at(yielding - 1));
    backTo(literals.length === 1 ? 0 : yielding - 1);
  } else {
    backTo(analysis.back);
  }
  origins.addLesson(lessons.add(clauseStore.size() + 1, analysis.levelCount));
  for (let i: u32 = 0; i < literals.length; i++) clauseStore.push(literals.at(i));
  return clauseStore.close() ? clauseStore.size() : NO_CLAUSE;
}

/** The level of the latest recommendation that stands in the way of the current level's requirement, or 0. */
function yieldingLevel(violated: u32): u32 {
  if (softLevels === 0 || softOf(assignment.depth()) > 0) return 0;
  analysis.levelsBehind(violated, 0);
  let latest: u32 = 0;
  for (let i: u32 = 0; i < analysis.levels.length; i++) {
    const level = analysis.levels.at(i);
    if (softOf(level) > 0) latest = max(latest, level);
  }
  return softOf(latest);
}

function tellAnswer(): void {
  tellDropped(0);
  for (let i: u32 = 0; i < agenda.chosen.length; i++) {
    const solvable = agenda.chosen.at(i);
    const relation = agenda.chosenBy(solvable);
    members.push(solvable);
    members.push(relation);
    members.push(relations.owner(relation));
    tellDropped(solvable);
  }
}

function tellDropped(owner: u32): void {
  const end = relations.end(owner);
  for (let relation = relations.first(owner); relation < end; relation++) {
    if (relations.kindOf(relation) !== RECOMMENDS || !agenda.isUnmet(relation)) continue;
    dropped.push(relation);
    dropped.push(owner);
  }
}
