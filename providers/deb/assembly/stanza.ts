const NEWLINE: u8 = 0x0a;
const RETURN: u8 = 0x0d;
const SPACE: u8 = 0x20;
const TAB: u8 = 0x09;
const COLON: u8 = 0x3a;

/** Bytes that are looked at together. */
const BLOCK: usize = 16;

/** Bytes behind a text that may be read; they are 0 while it is. */
export const SLACK: usize = 32;

/** Names of fields in lower case, their first eight bytes as one number, little-endian, and what follows them as another. */
const SIZE: u64 = 0x657a6973;
const SHA256: u64 = 0x3635_3261_6873;
const PACKAGE: u64 = 0x65_6761_6b63_6170;
const VERSION: u64 = 0x6e_6f69_7372_6576;
const FILENAME: u64 = 0x656d_616e_656c_6966;
const PRIORITY: u64 = 0x7974_6972_6f69_7270;
const PROVIDES: u64 = 0x7365_6469_766f_7270;
const ESSENTIAL: u64 = 0x6169_746e_6573_7365;
const ESSENTIAL_END: u64 = 0x6c;
const PROTECTED: u64 = 0x6574_6365_746f_7270;
const PROTECTED_END: u64 = 0x64;
const MULTI_ARCH: u64 = 0x7261_2d69_746c_756d;
const MULTI_ARCH_END: u64 = 0x6863;
const ARCHITECTURE: u64 = 0x6365_7469_6863_7261;
const ARCHITECTURE_END: u64 = 0x6572_7574;

/** Of the last stanza: its first byte, and the one after its last. */
export let start: usize = 0;
export let stop: usize = 0;
/** Whether it has a line that is no field. */
export let isBroken: bool = false;
/** Whether it has every field that it must have. */
export let isWhole: bool = false;
/** Of its fields: the byte after the colon; 0 when a field is absent. */
export let packageAt: usize = 0;
export let versionAt: usize = 0;
export let architectureAt: usize = 0;
export let providesAt: usize = 0;
export let priorityAt: usize = 0;
export let essentialAt: usize = 0;
export let protectedAt: usize = 0;
export let multiArchAt: usize = 0;
let filenameAt: usize = 0;
let sha256At: usize = 0;
let sizeAt: usize = 0;

/**
 * Reads the stanza that begins at or after `from`, as `StanzaScanner` does, whose rules these are.
 *
 * @param end where the text ends, `SLACK` bytes before the memory does.
 * @param isLast nothing follows.
 * @returns where to go on; 0 when there is no whole stanza any more.
 */
export function next(from: usize, end: usize, isLast: bool): usize {
  isBroken = false;
  packageAt = versionAt = architectureAt = filenameAt = sha256At = sizeAt = 0;
  providesAt = priorityAt = essentialAt = protectedAt = multiArchAt = 0;
  let isOpen = false;
  let position = from;
  while (position < end) {
    const first = load<u8>(position);
    const block = v128.load(position);
    const newlines = i8x16.bitmask(i8x16.eq(block, i8x16.splat(NEWLINE)));
    // Most lines begin with a letter.
    if (first <= SPACE && (first == NEWLINE || isBlank(first))) {
      let text = position;
      while (text < end && isBlank(load<u8>(text))) text++;
      if (text == end && !isLast) return 0;
      if (text == end || load<u8>(text) == NEWLINE) {
        if (isOpen) {
          close(position);
          return text + 1;
        }
        position = text + 1;
        continue;
      }
      if (!isOpen) isBroken = true;
    }
    if (!isOpen) {
      isOpen = true;
      start = position;
    }
    if (first > SPACE || !isBlank(first)) Line.noteField(position, end, block, newlines);
    position = lineEndIn(position, end, newlines) + 1;
  }
  if (!isOpen || !isLast) return 0;
  close(end);
  return end;
}

function close(end: usize): void {
  stop = end;
  isWhole = packageAt != 0 && versionAt != 0 && architectureAt != 0 && filenameAt != 0 && sha256At != 0 && sizeAt != 0;
}

export function isBlank(byte: u8): bool {
  return byte == SPACE || byte == TAB || byte == RETURN;
}

/** The newline at or after `from`, whose block is at hand; `end` or more when there is none. */
function lineEndIn(from: usize, end: usize, newlines: i32): usize {
  let found = newlines;
  let at = from;
  while (found == 0) {
    at += BLOCK;
    if (at >= end) return end;
    found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(NEWLINE)));
  }
  return at + ctz(found);
}

/** The newline at or after `from`; `end` or more when there is none. */
export function lineEnd(from: usize, end: usize): usize {
  return lineEndIn(from, end, i8x16.bitmask(i8x16.eq(v128.load(from), i8x16.splat(NEWLINE))));
}

/** Ends values at a place, as if the last stanza had ended there. */
export function endAt(place: usize): void {
  stop = place;
}

/** A line of a stanza. It is a class because only a function that belongs to one can be made part of its caller: a text has more than a million lines, and a call for each is a twentieth of reading it. */
class Line {
  /** Notes the field that a line begins with; the first of two equal ones counts. */
  @inline
  static noteField(line: usize, end: usize, block: v128, newlines: i32): void {
    let found = newlines | i8x16.bitmask(i8x16.eq(block, i8x16.splat(COLON)));
    let at = line;
    while (found == 0 && at + BLOCK < end) {
      at += BLOCK;
      const more = v128.load(at);
      found = i8x16.bitmask(v128.or(i8x16.eq(more, i8x16.splat(NEWLINE)), i8x16.eq(more, i8x16.splat(COLON))));
    }
    const colon = found == 0 ? end : at + ctz(found);
    const length = colon - line;
    if (length == 0 || load<u8>(colon) != COLON) {
      isBroken = true;
      return;
    }
    if (length < 4 || length > 12) return;
    const isUpper = v128.and(i8x16.ge_u(block, i8x16.splat(0x41)), i8x16.le_u(block, i8x16.splat(0x5a)));
    const lower = v128.or(block, v128.and(isUpper, i8x16.splat(0x20)));
    const value = colon + 1;
    const head = i64x2.extract_lane(lower, 0);
    if (length <= 8) {
      const name = head & ((<u64>-1) >> (64 - ((<u64>length) << 3)));
      if (name == PACKAGE) packageAt = earlier(packageAt, value);
      else if (name == VERSION) versionAt = earlier(versionAt, value);
      else if (name == FILENAME) filenameAt = earlier(filenameAt, value);
      else if (name == SIZE) sizeAt = earlier(sizeAt, value);
      else if (name == SHA256) sha256At = earlier(sha256At, value);
      else if (name == PRIORITY) priorityAt = earlier(priorityAt, value);
      else if (name == PROVIDES) providesAt = earlier(providesAt, value);
      return;
    }
    const tail = i64x2.extract_lane(lower, 1) & (((<u64>1) << ((<u64>length - 8) << 3)) - 1);
    if (head == ARCHITECTURE && tail == ARCHITECTURE_END) architectureAt = earlier(architectureAt, value);
    else if (head == MULTI_ARCH && tail == MULTI_ARCH_END) multiArchAt = earlier(multiArchAt, value);
    else if (head == ESSENTIAL && tail == ESSENTIAL_END) essentialAt = earlier(essentialAt, value);
    else if (head == PROTECTED && tail == PROTECTED_END) protectedAt = earlier(protectedAt, value);
  }
}

function earlier(known: usize, found: usize): usize {
  return known == 0 ? found : known;
}

/** The first byte of a value of the last stanza that is not white space, where the value begins after the colon at `from`. */
export function valueStart(from: usize): usize {
  let at = from;
  for (; at < stop; at++) {
    const byte = load<u8>(at);
    if (byte == NEWLINE) {
      if (!isContinued(at)) return at;
    } else if (!isBlank(byte)) {
      return at;
    }
  }
  return at;
}

/**
 * The byte after the last one of a value that is not white space, continuation lines included; `from` of {@link valueStart}. Reads up to a block
 * behind the end of values.
 */
export function valueStop(from: usize): usize {
  let at = min(lineEnd(from, stop), stop);
  while (at < stop && isContinued(at)) at = min(lineEnd(at + 1, stop), stop);
  while (at > from && load<u8>(at - 1) <= SPACE) at--;
  return at;
}

/** Whether the line after a newline goes on with the same value. */
function isContinued(newline: usize): bool {
  if (newline + 1 >= stop) return false;
  const first = load<u8>(newline + 1);
  return first == SPACE || first == TAB;
}
