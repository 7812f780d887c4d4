import { Numbers, numbers, zeros } from '../../assembly/assembly/columns';
import { reserve } from '../../assembly/assembly/memory';

/**
 * Solvables by how much they took part in recent conflicts (variable state independent decaying sum; Moskewicz et al., Chaff, 2001): a
 * heap, the most active first, of equal ones the one with the lower number. Those that took part in none are not in it.
 */

/** Growth of the bump with each conflict: what took part lately counts most. */
const GROWTH: f64 = 1 / 0.95;
/** Activities above this are scaled down together, before they lose precision. */
const CEILING: f64 = 1e100;

let count: u32 = 0;
/** By solvable: 64 bits each. */
let activities: usize = 0;
let heap!: Numbers;
/** By solvable: place in the heap + 1, or 0. */
let places!: Numbers;
let bump: f64 = 1;

/** @param solvables how many there are. */
export function begin(solvables: u32): void {
  count = solvables;
  activities = reserve((<u64>count + 1) << 3);
  heap = numbers(0);
  places = zeros(count + 1);
}

/** Says which solvables took part in a conflict. */
export function conflict(involved: Numbers): void {
  for (let i: u32 = 0; i < involved.length; i++) {
    const solvable = involved.at(i);
    setActivity(solvable, activity(solvable) + bump);
    if (places.at(solvable) > 0) up(places.at(solvable) - 1);
  }
  bump *= GROWTH;
  if (bump < CEILING) return;
  for (let solvable: u32 = 0; solvable <= count; solvable++) setActivity(solvable, activity(solvable) / CEILING);
  bump /= CEILING;
}

/** Puts a solvable back that has no value any more. */
export function offer(solvable: u32): void {
  if (activity(solvable) === 0 || places.at(solvable) > 0) return;
  heap.push(solvable);
  places.set(solvable, heap.length);
  up(heap.length - 1);
}

/** Takes the most active one out; 0 when there is none. */
export function take(): u32 {
  if (heap.length === 0) return 0;
  const first = heap.at(0);
  const last = heap.at(--heap.length);
  places.set(first, 0);
  if (heap.length > 0) {
    put(0, last);
    down(0);
  }
  return first;
}

function activity(solvable: u32): f64 {
  return load<f64>(activities + ((<usize>solvable) << 3));
}

function setActivity(solvable: u32, value: f64): void {
  store<f64>(activities + ((<usize>solvable) << 3), value);
}

function isBefore(a: u32, b: u32): bool {
  const difference = activity(a) - activity(b);
  return difference > 0 || (difference === 0 && a < b);
}

function up(from: u32): void {
  const solvable = heap.at(from);
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(solvable, heap.at(parent))) break;
    put(at, heap.at(parent));
    at = parent;
  }
  put(at, solvable);
}

function down(from: u32): void {
  const solvable = heap.at(from);
  let at = from;
  while (true) {
    let child: u32 = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap.at(child + 1), heap.at(child))) child++;
    if (!isBefore(heap.at(child), solvable)) break;
    put(at, heap.at(child));
    at = child;
  }
  put(at, solvable);
}

function put(at: u32, solvable: u32): void {
  heap.set(at, solvable);
  places.set(solvable, at + 1);
}
