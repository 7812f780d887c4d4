import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import { reserve } from '../../assembly/assembly/memory';

/**
 * Every clause of the problem that was loaded, a relation here, by number from 1, and for each owner (0: the request) the run of its relations.
 *
 * The caller writes them one after the other into `words`: kind, number of targets, targets; with {@link CONDITIONS} added to the kind, then the number of
 * conditions, conditions, the number of absences, absences.
 */

/**
 * Says that a clause of an owner names what is no solvable: the caller throws.
 *
 * Imported as `wrong` of the module `relation-table`.
 */
declare function wrong(owner: u32, target: i32): void;

/** In place of a relation. */
export const NO_RELATION: u32 = 0;

/** Kinds, by their places in `CLAUSE_KINDS` of `src/problem.ts`. */
export const REQUIRES: u32 = 0;
export const RECOMMENDS: u32 = 1;
export const SUGGESTS: u32 = 2;
export const CONFLICTS: u32 = 3;
const KIND: u32 = 3;
const CONDITIONS: u32 = 4;

let words!: Numbers;
/** By relation: where it begins in `words`, and its owner. */
let places!: Numbers;
let owners!: Numbers;
/** Requirements and recommendations that have a condition. */
export let conditional!: Numbers;
/** Recommendations that ask for an absence. */
export let absent!: Numbers;
/** By owner: first relation and the one after the last; both 0 before loading. */
let firsts!: Numbers;
let ends!: Numbers;
let count: u32 = 0;
/** By solvable: node of the last relation that suggests it, or 0; there when something is suggested. */
let suggested: usize = 0;
/** Nodes, two numbers each: the relation, the node before. */
let suggestions!: Numbers;

/** @param solvables how many there are. */
export function begin(solvables: u32): void {
  count = solvables;
  words = numbers(0);
  places = numbers(1 << 12);
  owners = numbers(1 << 12);
  conditional = numbers(0);
  absent = numbers(0);
  suggestions = numbers(0);
  firsts = zeros(count + 1);
  ends = zeros(count + 1);
  // Relation 0 and node 0 are none.
  places.push(0);
  owners.push(0);
  suggestions.push(NO_RELATION);
  suggestions.push(0);
}

/** Makes room for so many words in all, and keeps those that are there. @returns where they begin. */
export function room(needed: u32): usize {
  if (needed > words.room) {
    const larger = reserve((<u64>needed) << 2);
    memory.copy(larger, words.start, (<usize>words.room) << 2);
    words.start = larger;
    words.room = needed;
  }
  return words.start;
}

/** Takes the relations of an owner. @param length how many words there are with them. */
export function add(by: u32, length: u32): void {
  firsts.set(by, owners.length);
  while (words.length < length) {
    places.push(words.length);
    owners.push(by);
    const relation = owners.length - 1;
    const kind = kindOf(relation);
    let end = words.length + 2 + words.at(words.length + 1);
    for (let at = words.length + 2; at < end; at++) if (words.at(at) - 1 >= count) wrong(by, words.at(at));
    if (kind === SUGGESTS) suggest(relation);
    if (hasConditions(relation)) {
      const conditions = words.at(end);
      end += 1 + conditions;
      const absences = words.at(end);
      end += 1 + absences;
      if (absences > 0) {
        if (kind === RECOMMENDS) absent.push(relation);
      } else if (conditions > 0 && (kind === REQUIRES || kind === RECOMMENDS)) {
        conditional.push(relation);
      }
    }
    words.length = end;
  }
  ends.set(by, owners.length);
}

export function first(by: u32): u32 {
  return firsts.at(by);
}

export function end(by: u32): u32 {
  return ends.at(by);
}

export function owner(relation: u32): u32 {
  return owners.at(relation);
}

export function kindOf(relation: u32): u32 {
  return words.at(places.at(relation)) & KIND;
}

/** Whether a relation has conditions or absences. */
function hasConditions(relation: u32): bool {
  return (words.at(places.at(relation)) & CONDITIONS) !== 0;
}

/** Where the targets of a relation are in the memory, in the caller's order of preference, until more relations are loaded. */
export function targetsFrom(relation: u32): usize {
  return words.start + ((<usize>places.at(relation) + 2) << 2);
}

export function targetsTo(relation: u32): usize {
  const place = places.at(relation);
  return words.start + ((<usize>place + 2 + words.at(place + 1)) << 2);
}

/** Where the solvables are that must be taken for a relation to speak, beside its owner. */
export function whenFrom(relation: u32): usize {
  return hasConditions(relation) ? targetsTo(relation) + 4 : 0;
}

export function whenTo(relation: u32): usize {
  if (!hasConditions(relation)) return 0;
  const from = targetsTo(relation);
  return from + 4 + ((<usize>load<u32>(from)) << 2);
}

/** Where the solvables are that must not be taken for a relation to speak. */
export function unlessFrom(relation: u32): usize {
  return hasConditions(relation) ? whenTo(relation) + 4 : 0;
}

export function unlessTo(relation: u32): usize {
  if (!hasConditions(relation)) return 0;
  const from = whenTo(relation);
  return from + 4 + ((<usize>load<u32>(from)) << 2);
}

/** Whether there are solvables that must not be taken for a relation to speak. */
export function asksAbsence(relation: u32): bool {
  return hasConditions(relation) && unlessTo(relation) > unlessFrom(relation);
}

/** The last node of the relations that suggest a solvable; 0 when there is none. */
export function suggestionsOf(solvable: u32): u32 {
  return suggested === 0 ? 0 : load<u32>(suggested + ((<usize>solvable) << 2));
}

export function suggestion(node: u32): u32 {
  return suggestions.at(node);
}

export function suggestionBefore(node: u32): u32 {
  return suggestions.at(node + 1);
}

function suggest(relation: u32): void {
  if (suggested === 0) suggested = zeros(count + 1).start;
  const to = targetsTo(relation);
  for (let at = targetsFrom(relation); at < to; at += 4) {
    const slot = suggested + ((<usize>load<u32>(at)) << 2);
    suggestions.push(relation);
    suggestions.push(load<u32>(slot));
    store<u32>(slot, suggestions.length - 2);
  }
}
