import * as assignment from './assignment';
import { NO_CLAUSE } from './assignment';
import * as clauseStore from './clause-store';
import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import * as lessons from './lessons';
import * as relations from './relation-table';
import { CONFLICTS } from './relation-table';

/** Where each clause of a search comes from: one of the problem's relations, or a lesson. */

/** By clause: twice its relation, or twice its lesson and 1. */
let origins!: Numbers;

export function begin(): void {
  origins = numbers(1 << 12);
  origins.push(0);
}

/** Says which relation the next clause is part of. */
export function addRelation(relation: u32): void {
  origins.push(relation << 1);
}

/** Says which lesson the next clause is. */
export function addLesson(lesson: u32): void {
  origins.push((lesson << 1) + 1);
}

export function isLesson(clause: u32): bool {
  return (origins.at(clause) & 1) === 1;
}

/** The relation or the lesson that a clause comes from. */
export function numberOf(clause: u32): u32 {
  return origins.at(clause) >> 1;
}

/** True for the clause of a lesson that was forgotten. */
export function isForgotten(clause: u32): bool {
  return isLesson(clause) && lessons.isForgotten(numberOf(clause));
}

/** Clauses to visit, and by clause 1 when it is one of them or was. */
let work!: Numbers;
let visited!: Numbers;

/**
 * All relations that a conflict without decisions follows from, in order: of each its number, its owner, the number of targets in question, and these; of
 * others than conflicts none.
 */
export function core(violated: u32): Numbers {
  work = numbers(0);
  visited = zeros(origins.length);
  visit(violated);
  while (work.length > 0) {
    const clause = work.at(--work.length);
    const to = clauseStore.literalsTo(clause);
    for (let at = clauseStore.literalsFrom(clause); at < to; at += 4) {
      const literal = load<u32>(at);
      if (assignment.value(literal) !== 0) visit(assignment.reason(literal >> 1));
    }
    if (!isLesson(clause)) continue;
    const end = lessons.followedTo(numberOf(clause));
    for (let at = lessons.followedFrom(numberOf(clause)); at < end; at += 4) visit(load<u32>(at));
  }
  return visitedRelations();
}

function visit(clause: u32): void {
  if (clause === NO_CLAUSE || visited.at(clause) === 1) return;
  visited.set(clause, 1);
  work.push(clause);
}

function visitedRelations(): Numbers {
  const found = numbers(0);
  /** By solvable: the relation that names it and in whose clauses it was not met yet. */
  const named = zeros(assignment.solvables + 1);
  let latest: u32 = 0;
  let counted: u32 = 0;
  // Clauses of a relation are next to each other, in the order of relations.
  for (let clause: u32 = 1; clause < visited.length; clause++) {
    if (visited.at(clause) === 0 || isLesson(clause)) continue;
    const relation = numberOf(clause);
    const owner = relations.owner(relation);
    const isConflict = relations.kindOf(relation) === CONFLICTS;
    if (relation !== latest) {
      latest = relation;
      found.push(relation);
      found.push(owner);
      counted = found.length;
      found.push(0);
      if (isConflict) name(relation, named);
    }
    if (!isConflict) continue;
    const to = clauseStore.literalsTo(clause);
    for (let at = clauseStore.literalsFrom(clause); at < to; at += 4) {
      const solvable = load<u32>(at) >> 1;
      if (solvable === owner || named.at(solvable) !== relation) continue;
      named.set(solvable, 0);
      found.push(solvable);
      found.set(counted, found.at(counted) + 1);
    }
  }
  return found;
}

function name(relation: u32, named: Numbers): void {
  const to = relations.targetsTo(relation);
  for (let at = relations.targetsFrom(relation); at < to; at += 4) named.set(load<u32>(at), relation);
}
