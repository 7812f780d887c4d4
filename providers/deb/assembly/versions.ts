/** Debian versions in order, as `compareDebVersions` of src/relations/version.ts has them, of texts that lie in the memory. */

const HYPHEN: u8 = 0x2d;
const ZERO: u8 = 0x30;
const COLON: u8 = 0x3a;
const TILDE: u8 = 0x7e;
/** Stands for the end of a part. */
const END: i32 = -1;

/** Operators of relations; 0 is none. */
export const EARLIER: u32 = 1;
export const EARLIER_OR_EQUAL: u32 = 2;
export const EQUAL: u32 = 3;
export const LATER_OR_EQUAL: u32 = 4;
export const LATER: u32 = 5;

/** Whether a version stands in a relation to another one. */
export function satisfies(from: usize, to: usize, operator: u32, wantedFrom: usize, wantedTo: usize): bool {
  const order = compare(from, to, wantedFrom, wantedTo);
  if (operator == LATER_OR_EQUAL) return order >= 0;
  if (operator == EQUAL) return order == 0;
  if (operator == EARLIER) return order < 0;
  if (operator == EARLIER_OR_EQUAL) return order <= 0;
  return operator == LATER && order > 0;
}

/** @returns negative, zero or positive. */
export function compare(a: usize, endA: usize, b: usize, endB: usize): i32 {
  const colonA = colonIn(a, endA);
  const colonB = colonIn(b, endB);
  // A colon that comes first ends an epoch of nothing, which is 0.
  if (colonA > a || colonB > b) {
    const byEpoch = comparePart(a, max(colonA, a), b, max(colonB, b));
    if (byEpoch != 0) return byEpoch;
  }
  const startA = colonA == 0 ? a : colonA + 1;
  const startB = colonB == 0 ? b : colonB + 1;
  const hyphenA = revisionStart(startA, endA);
  const hyphenB = revisionStart(startB, endB);
  const byUpstream = comparePart(startA, hyphenA, startB, hyphenB);
  return byUpstream != 0 ? byUpstream : comparePart(min(hyphenA + 1, endA), endA, min(hyphenB + 1, endB), endB);
}

/** The first colon; 0 when there is none. */
function colonIn(from: usize, to: usize): usize {
  for (let at = from; at < to; at++) if (load<u8>(at) == COLON) return at;
  return 0;
}

/** The last hyphen, or the end. */
function revisionStart(from: usize, to: usize): usize {
  for (let at = to; at > from; at--) if (load<u8>(at - 1) == HYPHEN) return at - 1;
  return to;
}

function comparePart(startA: usize, endA: usize, startB: usize, endB: usize): i32 {
  let a = startA;
  let b = startB;
  while (a < endA || b < endB) {
    while (true) {
      const left = a < endA ? <i32>load<u8>(a) : END;
      const right = b < endB ? <i32>load<u8>(b) : END;
      if ((left == END || isDigit(left)) && (right == END || isDigit(right))) break;
      const difference = weight(left) - weight(right);
      if (difference != 0) return difference;
      a++;
      b++;
    }
    while (a < endA && load<u8>(a) == ZERO) a++;
    while (b < endB && load<u8>(b) == ZERO) b++;
    let first = 0;
    while (a < endA && b < endB && isDigit(load<u8>(a)) && isDigit(load<u8>(b))) {
      if (first == 0) first = <i32>load<u8>(a) - <i32>load<u8>(b);
      a++;
      b++;
    }
    if (a < endA && isDigit(load<u8>(a))) return 1;
    if (b < endB && isDigit(load<u8>(b))) return -1;
    if (first != 0) return first;
  }
  return 0;
}

function isDigit(code: i32): bool {
  return code >= 0x30 && code <= 0x39;
}

/** Place of a character among non-digits. */
function weight(code: i32): i32 {
  if (code == END || isDigit(code)) return 0;
  if (code == TILDE) return -1;
  if ((code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)) return code;
  return code + 256;
}
