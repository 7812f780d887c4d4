import { Numbers } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';

/** Lists of numbers that stay where they are. A list is where it lies, counted in numbers: how many it has, and these. */

const SLAB: usize = 1 << 16;
let slab: usize = 0;
let slabEnd: usize = 0;

/** The list that has nothing. */
export let empty: u32 = 0;

export function begin(): void {
  empty = listFor(0);
}

/** Keeps the numbers of a column from a place on, behind `before` more numbers and their count. @returns where they lie, in numbers. */
export function kept(column: Numbers, from: u32, before: u32): u32 {
  const count = column.length - from;
  const place = roomFor(count, before);
  memory.copy(((<usize>place + before) << 2) + 4, column.start + ((<usize>from) << 2), (<usize>count) << 2);
  return place;
}

/** A list of so many numbers, which the caller writes. */
export function listFor(count: u32): u32 {
  return roomFor(count, 0);
}

function roomFor(count: u32, before: u32): u32 {
  const sizeBytes = ((<usize>count + before) << 2) + 4;
  if (slab + sizeBytes > slabEnd) {
    const room = max(SLAB, sizeBytes);
    slab = reserve(room);
    slabEnd = slab + room;
  }
  const place = slab;
  store<u32>(place + ((<usize>before) << 2), count);
  slab += sizeBytes;
  return <u32>(place >> 2);
}

/** A list of what a column has from a place on, which is taken from the column. */
export function taken(column: Numbers, from: u32): u32 {
  const list = column.length == from ? empty : kept(column, from, 0);
  column.length = from;
  return list;
}

/** How many numbers a list has. */
export function sizeOf(list: u32): u32 {
  return load<u32>((<usize>list) << 2);
}

/** The number at a place of a list. */
export function at(list: u32, place: u32): u32 {
  return load<u32>(((<usize>list + place) << 2) + 4);
}

/** Whether a list has a number. */
export function has(list: u32, number: u32): bool {
  const size = sizeOf(list);
  for (let place: u32 = 0; place < size; place++) if (at(list, place) == number) return true;
  return false;
}
