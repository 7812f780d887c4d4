import { numbers, Numbers } from '../../../packages/assembly/assembly/columns';
import { isBlank, lineEnd } from './stanza';
import { Keys, keys } from './texts';

const NEWLINE: u8 = 0x0a;
const COLON: u8 = 0x3a;
const LONGEST: usize = 32;

/** Names of fields in lower case. */
let names!: Keys;
/** How many they are. */
export let width: u32 = 0;
let required: u32 = 0;
/** By field: the byte after the colon in the stanza that was scanned last, or 0. */
let found!: Numbers;
/** A name in lower case. */
const lower: usize = memory.data(32);

/** See `begin` of resolving.ts. */
export function begin(fieldNames: usize, length: usize, requiredFields: u32): void {
  names = keys(32);
  const end = fieldNames + length;
  for (let at = fieldNames; at < end; ) {
    let stop = at;
    while (load<u8>(stop) != NEWLINE) stop++;
    names.keyOf(at, stop);
    at = stop + 1;
  }
  width = names.starts.length;
  required = requiredFields;
  found = numbers(width);
  found.length = width;
}

/** Where a field of the stanza that was scanned last begins: the byte after the colon; 0 when it is absent. */
export function at(column: u32): usize {
  return found.at(column);
}

/** Finds the fields of a stanza; the first of two equal ones counts. @returns false when a line is no field, or a field is missing. */
export function scan(start: usize, end: usize): bool {
  memory.fill(found.start, 0, (<usize>width) << 2);
  let line = start;
  while (line < end) {
    const stop = min(lineEnd(line, end), end);
    if (!isBlank(load<u8>(line))) {
      const colon = nameEnd(line, stop);
      if (colon == line || colon == stop) return false;
      note(line, colon);
    } else if (line == start || isEmpty(line, stop)) {
      return false;
    }
    line = stop + 1;
  }
  for (let column: u32 = 0; column < required; column++) if (found.at(column) == 0) return false;
  return true;
}

function nameEnd(line: usize, stop: usize): usize {
  let at = line;
  while (at < stop && load<u8>(at) != COLON) at++;
  return at;
}

function isEmpty(line: usize, stop: usize): bool {
  for (let at = line; at < stop; at++) if (!isBlank(load<u8>(at))) return false;
  return true;
}

function note(line: usize, colon: usize): void {
  const length = colon - line;
  if (length > LONGEST) return;
  for (let at: usize = 0; at < length; at++) {
    const byte = load<u8>(line + at);
    store<u8>(lower + at, byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
  }
  const column = names.find(lower, lower + length);
  if (column >= 0 && found.at(column) == 0) found.set(column, <u32>(colon + 1));
}
