import { notes, Notes, numbers, Numbers } from '../../../packages/assembly/assembly/columns';
import * as lists from './lists';
import { fieldOf, placeOfSolvable, Pool } from './pool';
import { DEPENDS, keyOf, PRE_DEPENDS, RECOMMENDS, UNREADABLE } from './relations';
import { ELSEWHERE, targets as targetsOf } from './satisfaction';

/** How the members of an answer need each other, as `buildClosure` of src/resolve/resolve-closure.ts tells it. Members go by their place in an order that the caller has. */

/** Numbers of a relation. */
const FOUR: u32 = 4;
/** Relations of a member that may come. */
const EXPECTED: u32 = 8;

/** Fours of a member, one that satisfies what it needs or recommends, the field, and the text: by the first two, those of one pair as they are written. */
let relations!: Numbers;
/** By text: its group, and the architecture that it is told for. */
let groups!: Numbers;
let architectures!: Numbers;
/** Pairs of a member and one that it needs; and of a member and one that it needs or recommends. Each once. */
let needing!: Numbers;
let needed!: Numbers;
let asking!: Numbers;
let asked!: Numbers;

/** By solvable: place of the member + 1. */
let places!: Notes;
/** By group and architecture: its text + 1. */
let texts!: Notes;

/** Pairs of where a column lies and how many numbers it has. */
const results: usize = memory.data(8 * 7, 4);
let resultsEnd: usize = 0;

/**
 * Finds the members that satisfy what each member needs, and recommends where that counts, itself aside.
 *
 * @param members where the caller has written them as solvables, in order.
 * @returns where pairs of numbers lie, each where a column is and how many numbers it has, in the order of `MEMBER_COLUMNS` of the caller.
 */
export function relate(pool: Pool, members: usize, count: u32, recommends: bool): usize {
  const expected = EXPECTED * count;
  relations = numbers(FOUR * expected);
  groups = numbers(expected);
  architectures = numbers(expected);
  needing = numbers(expected);
  needed = numbers(expected);
  asking = numbers(expected);
  asked = numbers(expected);
  places = notes(pool.count() + 1);
  texts = notes(expected);
  for (let place: u32 = 0; place < count; place++) places.set(solvableAt(members, place), place + 1);
  for (let place: u32 = 0; place < count; place++) relateOne(pool, place, solvableAt(members, place), recommends);
  resultsEnd = results;
  tell(relations);
  tell(groups);
  tell(architectures);
  tell(needing);
  tell(needed);
  tell(asking);
  tell(asked);
  return results;
}

function solvableAt(members: usize, place: u32): u32 {
  return load<u32>(members + ((<usize>place) << 2));
}

function tell(column: Numbers): void {
  store<u32>(resultsEnd, <u32>column.start);
  store<u32>(resultsEnd + 4, column.length);
  resultsEnd += 8;
}

function relateOne(pool: Pool, place: u32, solvable: u32, recommends: bool): void {
  const first = relations.length;
  addSatisfying(pool, place, solvable, PRE_DEPENDS);
  addSatisfying(pool, place, solvable, DEPENDS);
  if (recommends) addSatisfying(pool, place, solvable, RECOMMENDS);
  sort(first);
  addPairs(place, first);
}

function addSatisfying(pool: Pool, place: u32, solvable: u32, field: u32): void {
  const found = fieldOf(pool, solvable, field);
  if (found == UNREADABLE) return;
  const architecture = placeOfSolvable(pool, solvable);
  const size = lists.sizeOf(found);
  for (let at: u32 = 0; at < size; at++) {
    const group = lists.at(found, at);
    const targets = targetsOf(pool, group, architecture);
    if (targets == ELSEWHERE) continue;
    const count = lists.sizeOf(targets);
    for (let i: u32 = 0; i < count; i++) {
      const target = lists.at(targets, i);
      const member = places.at(target);
      if (member == 0 || target == solvable) continue;
      relations.push(place);
      relations.push(member - 1);
      relations.push(field);
      relations.push(textOf(pool, group, architecture));
    }
  }
}

/** The text of a group as it is told for an architecture: the next number when it is new. */
function textOf(pool: Pool, group: u32, architecture: u32): u32 {
  const key = keyOf(group) * pool.architectures.length + architecture;
  const known = texts.at(key);
  if (known != 0) return known - 1;
  groups.push(group);
  architectures.push(architecture);
  texts.set(key, groups.length);
  return groups.length - 1;
}

/** Sorts the relations of one member, from `first` on, by insertion: what one package needs is short, and partly in order. */
function sort(first: u32): void {
  for (let next = first + FOUR; next < relations.length; next += FOUR) {
    const member = relations.at(next + 1);
    const field = relations.at(next + 2);
    const text = relations.at(next + 3);
    let at = next;
    for (; at > first && relations.at(at - FOUR + 1) > member; at -= FOUR) {
      relations.set(at + 1, relations.at(at - FOUR + 1));
      relations.set(at + 2, relations.at(at - FOUR + 2));
      relations.set(at + 3, relations.at(at - FOUR + 3));
    }
    relations.set(at + 1, member);
    relations.set(at + 2, field);
    relations.set(at + 3, text);
  }
}

/** Notes what the relations from `first` on, of one member, lead to. */
function addPairs(place: u32, first: u32): void {
  for (let at = first; at < relations.length; at += FOUR) {
    const member = relations.at(at + 1);
    if (at == first || relations.at(at - FOUR + 1) != member) addPair(asking, asked, place, member);
    if (relations.at(at + 2) != RECOMMENDS && !isLast(needing, needed, place, member)) addPair(needing, needed, place, member);
  }
}

function addPair(owners: Numbers, others: Numbers, owner: u32, other: u32): void {
  owners.push(owner);
  others.push(other);
}

function isLast(owners: Numbers, others: Numbers, owner: u32, other: u32): bool {
  const last = owners.length - 1;
  return owners.length > 0 && owners.at(last) == owner && others.at(last) == other;
}
