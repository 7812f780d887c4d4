/**
 * Relations as numbers: lists of groups (`a | b`), and groups of alternatives. What is written alike is read once, whichever index has it, and lies where it is for
 * good, in numbers of 32 bits. A group that says more than names, qualifiers and versions, or says that in another form than deb-control(5) writes it, has no
 * alternatives here: its text must be read. Of Provides there is none of these: what an entry says is nothing but a name, a qualifier and a version.
 * - a list has where each of its groups lies: see lists.ts;
 * - a group is where it lies: its key, offset and length of its text, whether it cannot be read, four numbers for each of its alternatives, and of each its name, its
 *   shape, the offset of its version, and its qualifier + 1. Places of lists and groups are counted in numbers, not bytes.
 */
import { numbers, Numbers, numbersAt } from '../../../packages/assembly/assembly/columns';
import { kept, taken } from './lists';
import { nameOf } from './names';
import { Keys, keys } from './texts';
import { EARLIER, EARLIER_OR_EQUAL, EQUAL, LATER, LATER_OR_EQUAL } from './versions';

/**
 * Whether a group that says more than names and versions can be read.
 *
 * Imported as `isRelation` of the module `relations`.
 */
declare function isRelation(start: usize, length: u32): bool;

/**
 * The group that says plainly what an entry of Provides says in another form: see {@link groupOf}.
 *
 * Imported as `plainProvision` of the module `relations`.
 */
declare function plainProvision(group: u32): u32;

/** In place of a list: the field cannot be read. */
export const UNREADABLE: u32 = 0xffff_ffff;

/** Relation fields that are asked for, by their place among those of the caller. */
export const PRE_DEPENDS: u32 = 0;
export const DEPENDS: u32 = 1;
export const CONFLICTS: u32 = 2;
export const BREAKS: u32 = 3;
export const RECOMMENDS: u32 = 4;
export const PROVIDES: u32 = 5;
export const FIELDS: u32 = 6;

const EXPECTED: u32 = 16384;
/** By relation field: column of the field. */
let columns!: Numbers;

const TAB: u8 = 0x09;
const RETURN: u8 = 0x0d;
const SPACE: u8 = 0x20;
const OPEN: u8 = 0x28;
const CLOSE: u8 = 0x29;
const COMMA: u8 = 0x2c;
const HYPHEN: u8 = 0x2d;
const COLON: u8 = 0x3a;
const LESS: u8 = 0x3c;
const EQUALS: u8 = 0x3d;
const MORE: u8 = 0x3e;
const BAR: u8 = 0x7c;

/** Where the numbers of a group lie behind its place, in bytes, and how many stand before its alternatives. */
const TEXT: usize = 4;
const LENGTH: usize = 8;
const BROKEN: usize = 12;
const COUNT: usize = 16;
const HEAD: u32 = 4;
/** Numbers of an alternative, and where they lie. */
const NUMBERS: u32 = 4;
const ALTERNATIVE_BYTES: usize = 16;

/** Length of ` | `. */
const SEPARATOR: usize = 3;
/** Bits of a shape that hold the operator. */
const OPERATOR_BITS: u32 = 3;

/** By byte: 1 when a package name may have it, 2 when it may also begin with it; and 1 when a version may. The caller writes them. */
export const nameBytes: usize = memory.data(256);
export const versionBytes: usize = memory.data(256);

/** Texts of groups, and by key of a group: where it lies. */
let groups!: Keys;
let groupPlaces!: Numbers;
/** Groups of the list that is being read, and numbers of the alternatives of the group that is. */
let members!: Numbers;
let alternatives!: Numbers;

/** @param columnsOfFields where the caller has written the column of each relation field. */
export function begin(columnsOfFields: usize): void {
  columns = numbersAt(columnsOfFields, FIELDS);
  groups = keys(EXPECTED);
  groupPlaces = numbers(EXPECTED);
  members = numbers(64);
  alternatives = numbers(64);
}

export function columnOf(field: u32): u32 {
  return columns.at(field);
}

/** Reads the value `[start, stop)` of a field. @returns its list, or {@link UNREADABLE}. */
export function read(start: usize, stop: usize, field: u32): u32 {
  const isProvides = field == PROVIDES;
  members.length = 0;
  let isBroken = false;
  for (let at = start; at < stop; at++) {
    let end = at;
    for (; end < stop && load<u8>(end) != COMMA; end++) if (isProvides && load<u8>(end) == BAR) return UNREADABLE;
    const first = afterBlanks(at, end);
    const last = beforeBlanks(first, end);
    if (first < last) {
      const group = groupOf(first, last);
      const isReadable = load<u32>(((<usize>group) << 2) + BROKEN) == 0;
      if (!isReadable) isBroken = true;
      members.push(isProvides && isReadable && alternativesOf(group) == 0 ? plainProvision(group) : group);
    }
    at = end;
  }
  return isBroken ? UNREADABLE : taken(members, 0);
}

/** The group that the text `[from, to)` is, which has no blanks around it. */
export function groupOf(from: usize, to: usize): u32 {
  const next = groups.starts.length;
  const key = groups.keyOf(from, to);
  if (key < next) return groupPlaces.at(key);
  const text = groups.starts.at(key);
  const length = <u32>(to - from);
  const isPlain = readPlain(from, to, text);
  if (!isPlain) alternatives.length = 0;
  const isBroken = !isPlain && !isRelation(groups.textOf(key), length);
  const place = kept(alternatives, 0, HEAD);
  const at = (<usize>place) << 2;
  store<u32>(at, key);
  store<u32>(at + TEXT, text);
  store<u32>(at + LENGTH, length);
  store<u32>(at + BROKEN, u32(isBroken));
  groupPlaces.push(place);
  return place;
}

/**
 * Reads a group of nothing but names and versions, written as `formatGroup` does.
 *
 * @param text offset of the group among the texts of groups.
 * @returns false for any other.
 */
function readPlain(from: usize, to: usize, text: u32): bool {
  alternatives.length = 0;
  let at = from;
  while (true) {
    const start = at;
    if (at < to && load<u8>(nameBytes + load<u8>(at)) == 2) while (at < to && load<u8>(nameBytes + load<u8>(at)) > 0) at++;
    const nameEnd = at;
    if (start == nameEnd) return false;
    let qualifier: u32 = 0;
    if (at < to && load<u8>(at) == COLON) {
      const from = ++at;
      if (at < to && load<u8>(nameBytes + load<u8>(at)) == 2) while (at < to && isQualifier(load<u8>(at))) at++;
      if (at == from) return false;
      qualifier = nameOf(from, at) + 1;
    }
    let operator: u32 = 0;
    let version: usize = 0;
    if (at + 1 < to && load<u8>(at) == SPACE && load<u8>(at + 1) == OPEN) {
      operator = operatorAt(at + 2);
      if (operator == 0) return false;
      version = at + 3 + (operator == EQUAL ? 1 : 2);
      at = version;
      while (at < to && load<u8>(versionBytes + load<u8>(at)) == 1) at++;
      if (at == version || load<u8>(version - 1) != SPACE || at == to || load<u8>(at++) != CLOSE) return false;
    }
    alternatives.push(nameOf(start, nameEnd));
    alternatives.push(version == 0 ? 0 : ((<u32>(at - 1 - version)) << OPERATOR_BITS) | operator);
    alternatives.push(version == 0 ? 0 : text + <u32>(version - from));
    alternatives.push(qualifier);
    if (at == to) return true;
    if (at + SEPARATOR > to || load<u8>(at) != SPACE || load<u8>(at + 1) != BAR || load<u8>(at + 2) != SPACE) return false;
    at += SEPARATOR;
  }
}

/** Whether the name of an architecture may have a byte. */
function isQualifier(byte: u8): bool {
  return load<u8>(nameBytes + byte) == 2 || byte == HYPHEN;
}

/** The operator that stands at a place; 0 for none. */
function operatorAt(at: usize): u32 {
  const first = load<u8>(at);
  const second = load<u8>(at + 1);
  if (first == LESS) return second == LESS ? EARLIER : second == EQUALS ? EARLIER_OR_EQUAL : 0;
  if (first == MORE) return second == EQUALS ? LATER_OR_EQUAL : second == MORE ? LATER : 0;
  return first == EQUALS ? EQUAL : 0;
}

function afterBlanks(from: usize, to: usize): usize {
  let at = from;
  while (at < to && isBlank(load<u8>(at))) at++;
  return at;
}

function beforeBlanks(from: usize, to: usize): usize {
  let at = to;
  while (from < at && isBlank(load<u8>(at - 1))) at--;
  return at;
}

/** What `String.prototype.trim` takes away, of ASCII. */
function isBlank(byte: u8): bool {
  return byte == SPACE || (byte >= TAB && byte <= RETURN);
}

/** Where the texts of groups lie; elsewhere, once there are more. */
export function groupTexts(): usize {
  return groups.texts.start;
}

/** The key of a group: a small number. */
export function keyOf(group: u32): u32 {
  return load<u32>((<usize>group) << 2);
}

/** How many alternatives a group has; none when its text must be read. */
export function alternativesOf(group: u32): u32 {
  return load<u32>(((<usize>group) << 2) + COUNT) / NUMBERS;
}

/** Where an alternative of a group lies. */
export function alternativeAt(group: u32, at: u32): usize {
  return ((<usize>group) << 2) + COUNT + 4 + <usize>at * ALTERNATIVE_BYTES;
}

export function nameIn(alternative: usize): u32 {
  return load<u32>(alternative);
}

/** The operator, as a number; 0 for none. */
export function operatorIn(alternative: usize): u32 {
  return load<u32>(alternative + 4) & ((1 << OPERATOR_BITS) - 1);
}

/** Where the text of its version begins; where there is an operator. */
export function versionIn(alternative: usize): usize {
  return groups.texts.start + load<u32>(alternative + 8);
}

export function versionLengthIn(alternative: usize): u32 {
  return load<u32>(alternative + 4) >> OPERATOR_BITS;
}

/** Number of the name that its qualifier is, + 1; 0 for none. */
export function qualifierIn(alternative: usize): u32 {
  return load<u32>(alternative + 12);
}
