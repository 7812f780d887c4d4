import * as assignment from './assignment';
import { NO_CLAUSE } from './assignment';
import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import * as origins from './origins';

/**
 * Disjunctions of literals with two watched literals each (Moskewicz et al., Chaff, 2001): a clause is looked at only when one of
 * its first two literals becomes false. Watchers of a literal form a linked list; node `2 * clause + k` watches literal `k`, and 0 ends it.
 */

const NO_NODE: u32 = 0;

let literals!: Numbers;
/** Start of each clause in `literals`, and one entry more. */
let starts!: Numbers;
/** By literal: its first node. */
let heads!: Numbers;
/** By node: the one after it. */
let next!: Numbers;

export function begin(count: u32): void {
  literals = numbers(1 << 14);
  starts = numbers(1 << 12);
  next = numbers(1 << 13);
  heads = zeros(2 * count + 2);
  // Clause 0 is none.
  starts.push(0);
  starts.push(0);
  next.push(NO_NODE);
  next.push(NO_NODE);
}

/** Number of clauses, which is that of the last one. */
export function size(): u32 {
  return starts.length - 2;
}

/** Where the literals of a clause begin in the memory, in no particular order. */
export function literalsFrom(clause: u32): usize {
  return literals.start + ((<usize>starts.at(clause)) << 2);
}

/** Where the literals of a clause end. */
export function literalsTo(clause: u32): usize {
  return literals.start + ((<usize>starts.at(clause + 1)) << 2);
}

/** Number of literals of a clause. */
export function sizeOf(clause: u32): u32 {
  return starts.at(clause + 1) - starts.at(clause);
}

/** Adds a literal, different from the others, to the clause that {@link close} completes. */
export function push(literal: u32): void {
  literals.push(literal);
}

/** True when a literal belongs to the clause that {@link close} completes. */
export function has(literal: u32): bool {
  for (let at = starts.at(starts.length - 1); at < literals.length; at++) if (literals.at(at) === literal) return true;
  return false;
}

/**
 * Adds the clause of the literals since the last one to a running search. What it forces now is forced at the current level.
 *
 * @returns true when the clause is violated.
 */
export function close(): bool {
  const clause = starts.length - 1;
  const start = starts.at(clause);
  const count = literals.length - start;
  starts.push(literals.length);
  next.push(NO_NODE);
  next.push(NO_NODE);
  if (count === 0) return true;
  bring(start, count);
  const first = literals.at(start);
  if (count > 1) {
    bring(start + 1, count - 1);
    watch(clause, 0, first);
    watch(clause, 1, literals.at(start + 1));
  }
  const value = assignment.value(first);
  if (value < 0) return true;
  if (value === 0 && (count === 1 || assignment.value(literals.at(start + 1)) < 0)) assignment.set(first, clause);
  return false;
}

/**
 * Visits the clauses that watch a literal which became false.
 *
 * @returns a violated clause, or {@link NO_CLAUSE}.
 */
export function propagateFalse(literal: u32): u32 {
  let previous = NO_NODE;
  let node = heads.at(literal);
  while (node !== NO_NODE) {
    const clause = node >> 1;
    const after = next.at(node);
    const start = starts.at(clause);
    const other = literals.at(start + (~node & 1));
    if (assignment.value(other) <= 0) {
      const end = starts.at(clause + 1);
      let at = start + 2;
      while (at < end && assignment.value(literals.at(at)) < 0) at++;
      if (at < end) {
        const replacement = literals.at(at);
        literals.set(at, literal);
        literals.set(start + (node & 1), replacement);
        if (previous === NO_NODE) heads.set(literal, after);
        else next.set(previous, after);
        next.set(node, heads.at(replacement));
        heads.set(replacement, node);
        node = after;
        continue;
      }
      if (assignment.value(other) < 0) return clause;
      assignment.set(other, clause);
    }
    previous = node;
    node = after;
  }
  return NO_CLAUSE;
}

/** Looks no more at lessons that were forgotten; what they forced stays. */
export function unwatchForgotten(): void {
  for (let literal: u32 = 0; literal < heads.length; literal++) {
    let previous = NO_NODE;
    for (let node = heads.at(literal); node !== NO_NODE; node = next.at(node)) {
      if (!origins.isForgotten(node >> 1)) previous = node;
      else if (previous === NO_NODE) heads.set(literal, next.at(node));
      else next.set(previous, next.at(node));
    }
  }
}

function watch(clause: u32, which: u32, literal: u32): void {
  const node = 2 * clause + which;
  next.set(node, heads.at(literal));
  heads.set(literal, node);
}

/** Swaps the literal that is best to watch to `to`: a true one, else an open one, else the one that becomes open first. */
function bring(to: u32, count: u32): void {
  const end = to + count;
  let best = to;
  let bestRank: i32 = -1;
  for (let at = to; at < end; at++) {
    const literal = literals.at(at);
    const value = assignment.value(literal);
    const rank = value > 0 ? 0x7fff_ffff : value === 0 ? 0x7fff_fffe : <i32>assignment.level(literal >> 1);
    if (rank > bestRank) {
      best = at;
      bestRank = rank;
    }
  }
  const moved = literals.at(best);
  literals.set(best, literals.at(to));
  literals.set(to, moved);
}
