import { valueStart, valueStop } from './stanza';

/** Words in lower case, their first eight bytes as one number, little-endian, and what follows them as another. */
const YES: u64 = 0x73_6579;
const SAME: u64 = 0x656d_6173;
const FOREIGN: u64 = 0x6e_6769_6572_6f66;
const ALLOWED: u64 = 0x64_6577_6f6c_6c61;
const REQUIRED: u64 = 0x6465_7269_7571_6572;
const IMPORTANT: u64 = 0x6e61_7472_6f70_6d69;
const IMPORTANT_END: u8 = 0x74;
const STANDARD: u64 = 0x6472_6164_6e61_7473;
const OPTIONAL: u64 = 0x6c61_6e6f_6974_706f;
const EXTRA: u64 = 0x61_7274_7865;

const LOWER: u64 = 0x2020_2020_2020_2020;

/** First byte and length of the value that {@link wordOf} saw last. */
let start: usize = 0;
let length: usize = 0;

/** The first eight bytes of a value, letters in lower case, as a number; bytes after its end are 0. */
function wordOf(from: usize): u64 {
  start = valueStart(from);
  length = valueStop(start) - start;
  if (length == 0) return 0;
  const bytes = load<u64>(start) | LOWER;
  return length >= 8 ? bytes : bytes & (((<u64>1) << ((<u64>length) << 3)) - 1);
}

/** 1 for `yes`, else 0. */
export function yesOrNo(from: usize): u32 {
  return u32(from != 0 && wordOf(from) == YES && length == 3);
}

/** Place of a value in `MULTI_ARCH`. */
export function multiArch(from: usize): u32 {
  if (from == 0) return 0;
  const word = wordOf(from);
  if (length == 4 && word == SAME) return 1;
  if (length != 7) return 0;
  return word == FOREIGN ? 2 : word == ALLOWED ? 3 : 0;
}

/** Place of a value in `PRIORITIES`; the number of these when it is none. */
export function priority(from: usize): u32 {
  if (from == 0) return 3;
  const word = wordOf(from);
  if (length == 8) return word == OPTIONAL ? 3 : word == REQUIRED ? 0 : word == STANDARD ? 2 : 5;
  if (length == 9) return u32(word == IMPORTANT && (load<u8>(start + 8) | 0x20) == IMPORTANT_END ? 1 : 5);
  return length == 5 && word == EXTRA ? 4 : 5;
}
