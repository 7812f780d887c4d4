/**
 * Lists of groups (`a | b`), and groups of alternatives, as `RelationNumbers` of src/relations/relation-numbers.ts describes them. What is written alike is read once,
 * and lies where it is for good, in numbers of 32 bits:
 * - a list is where it lies: how many groups it has, and where each lies; 0 is empty;
 * - a group is where it lies: offset and length of its text, whether it cannot be read, how many alternatives it has, and of each its name, its shape, and the
 *   offset of its version. Places of lists and groups are counted in numbers, not bytes.
 */
import { numbers, Numbers } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';
import { adopted, isEqual, Keys, keys } from './texts';

/**
 * Whether a group that says more than names and versions can be read.
 *
 * Imported as `isRelation` of the module `relations`.
 */
declare function isRelation(start: usize, length: u32): bool;

const UNREADABLE: u32 = 0xffff_ffff;
/** No list, as nobody has asked for it. */
export const UNKNOWN: u32 = 0x7fff_ffff;
/** Marks a list that is known: no place, in numbers, is so large. */
const KNOWN: u32 = 0x8000_0000;

const EXPECTED: u32 = 4096;
/** How many fields are asked for as relations. */
let fields: u32 = 0;

const TAB: u8 = 0x09;
const RETURN: u8 = 0x0d;
const SPACE: u8 = 0x20;
const OPEN: u8 = 0x28;
const CLOSE: u8 = 0x29;
const COMMA: u8 = 0x2c;
const LESS: u8 = 0x3c;
const EQUAL: u8 = 0x3d;
const MORE: u8 = 0x3e;
const BAR: u8 = 0x7c;

/** Length of ` | `. */
const SEPARATOR: usize = 3;
/** Bits of a shape that hold the operator. */
const OPERATOR_BITS: u32 = 3;

/** By byte: 1 when a package name may have it, 2 when it may also begin with it; and 1 when a version may. The caller writes them. */
export const nameBytes: usize = memory.data(256);
export const versionBytes: usize = memory.data(256);

/** Names that packages have or provide, and others that relations name; numbers of these come after those. */
let known!: Keys;
let unknown!: Keys;
let groups!: Keys;
/** By key of a group: where it lies. */
let groupPlaces!: Numbers;
/** By stanza and field: its list, and {@link KNOWN}; 0 when nobody has asked. */
let lists!: Numbers;
/** Groups of the list that is being read, and numbers of the alternatives of the group that is. */
let members!: Numbers;
let alternatives!: Numbers;

export function begin(relationFields: u32): void {
  fields = relationFields;
  unknown = keys(EXPECTED);
  groups = keys(EXPECTED);
  groupPlaces = numbers(EXPECTED);
  lists = numbers(EXPECTED * fields);
  members = numbers(64);
  alternatives = numbers(64);
}

/** Takes the table of names that the caller has written, as it is in the directory: where its columns lie, and how many numbers they have. */
export function adopt(texts: usize, textBytes: u32, starts: usize, lengths: usize, count: u32, slots: usize, slotCount: u32): void {
  known = adopted(texts, textBytes, starts, lengths, count, slots, slotCount);
}

/** Whether a text is that of a name. */
export function isNamed(name: u32, from: usize, to: usize): bool {
  const length = <u32>(to - from);
  return known.lengths.at(name) == length && isEqual(known.textOf(name), from, length);
}

/** Makes room for what becomes known of a stanza, the next one. */
export function expect(): void {
  for (let field: u32 = 0; field < fields; field++) lists.push(0);
}

/** Forgets which lists stanzas have; the lists stay. */
export function release(): void {
  lists.length = 0;
}

/** The list of a stanza and field; {@link UNKNOWN} when nobody has asked. */
export function listOf(stanza: u32, field: u32): u32 {
  const list = lists.at(stanza * fields + field);
  return list == 0 ? UNKNOWN : list == UNREADABLE ? UNREADABLE : list & ~KNOWN;
}

/** Notes it. */
export function note(stanza: u32, field: u32, list: u32): u32 {
  lists.set(stanza * fields + field, list | KNOWN);
  return list;
}

/** Reads the value `[start, stop)` of a field. @returns its list, or {@link UNREADABLE}. */
export function read(start: usize, stop: usize, isProvides: bool): u32 {
  members.length = 0;
  let isBroken = false;
  for (let at = start; at < stop; at++) {
    let end = at;
    for (; end < stop && load<u8>(end) != COMMA; end++) if (isProvides && load<u8>(end) == BAR) return UNREADABLE;
    const first = afterBlanks(at, end);
    const last = beforeBlanks(first, end);
    if (first < last) {
      const group = groupOf(first, last);
      if (load<u32>(((<usize>group) << 2) + 8) != 0) isBroken = true;
      members.push(group);
    }
    at = end;
  }
  if (isBroken) return UNREADABLE;
  return members.length == 0 ? 0 : kept(members, 0);
}

function groupOf(from: usize, to: usize): u32 {
  const next = groups.starts.length;
  const key = groups.keyOf(from, to);
  if (key < next) return groupPlaces.at(key);
  const text = groups.starts.at(key);
  const length = <u32>(to - from);
  const isPlain = readPlain(from, to, text);
  if (!isPlain) alternatives.length = 0;
  const isBroken = !isPlain && !isRelation(groups.textOf(key), length);
  const place = kept(alternatives, 3);
  const at = (<usize>place) << 2;
  store<u32>(at, text);
  store<u32>(at + 4, length);
  store<u32>(at + 8, u32(isBroken));
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
    let operator: u32 = 0;
    let version: usize = 0;
    if (at + 1 < to && load<u8>(at) == SPACE && load<u8>(at + 1) == OPEN) {
      operator = operatorAt(at + 2);
      if (operator == 0) return false;
      version = at + 3 + (operator == 1 || operator == 2 || operator == 4 || operator == 5 ? 2 : 1);
      at = version;
      while (at < to && load<u8>(versionBytes + load<u8>(at)) == 1) at++;
      if (at == version || load<u8>(version - 1) != SPACE || at == to || load<u8>(at++) != CLOSE) return false;
    }
    alternatives.push(nameOf(start, nameEnd));
    alternatives.push(version == 0 ? 0 : ((<u32>(at - 1 - version)) << OPERATOR_BITS) | operator);
    alternatives.push(version == 0 ? 0 : text + <u32>(version - from));
    if (at == to) return true;
    if (at + SEPARATOR > to || load<u8>(at) != SPACE || load<u8>(at + 1) != BAR || load<u8>(at + 2) != SPACE) return false;
    at += SEPARATOR;
  }
}

function nameOf(from: usize, to: usize): u32 {
  const name = known.find(from, to);
  return name < 0 ? known.starts.length + unknown.keyOf(from, to) : name;
}

/** Number of the operator that stands at a place, as in `OPERATORS`; 0 for none. */
function operatorAt(at: usize): u32 {
  const first = load<u8>(at);
  const second = load<u8>(at + 1);
  if (first == LESS) return second == LESS ? 1 : second == EQUAL ? 2 : 0;
  if (first == MORE) return second == EQUAL ? 4 : second == MORE ? 5 : 0;
  return first == EQUAL ? 3 : 0;
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

/** Where the text of a name lies that no package has or provides, and its length. `name` from 0. */
export function unknownName(name: u32): usize {
  return unknown.textOf(name);
}

export function unknownLength(name: u32): u32 {
  return unknown.lengths.at(name);
}

const SLAB: usize = 1 << 16;
let slab: usize = 0;
let slabEnd: usize = 0;

/** Keeps numbers for good, after their count and `before` more numbers. @returns where they lie, in numbers. */
function kept(column: Numbers, before: u32): u32 {
  const sizeBytes = ((<usize>(column.length + before)) << 2) + 4;
  if (slab + sizeBytes > slabEnd) {
    const room = max(SLAB, sizeBytes);
    slab = reserve(room);
    slabEnd = slab + room;
  }
  const place = slab;
  const count = place + ((<usize>before) << 2);
  store<u32>(count, column.length);
  memory.copy(count + 4, column.start, (<usize>column.length) << 2);
  slab += sizeBytes;
  return <u32>(place >> 2);
}
