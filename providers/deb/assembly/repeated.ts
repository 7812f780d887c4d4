import { Bytes, Numbers, zeros } from '../../../packages/assembly/assembly/columns';

const TAB: u8 = 0x09;
const NEWLINE: u8 = 0x0a;
const SPACE: u8 = 0x20;

/** Finds packages by name, architecture and version, of names that have several. */
let slots: Numbers = zeros(1024);
let count: u32 = 0;

let keys!: Numbers;
let archs!: Numbers;
let versions!: Numbers;
let versionTexts!: Bytes;

/** @param keyColumn columns of all packages: names, and so on. @param texts of versions, each ended by a newline. */
export function begin(keyColumn: Numbers, archColumn: Numbers, versionColumn: Numbers, texts: Bytes): void {
  keys = keyColumn;
  archs = archColumn;
  versions = versionColumn;
  versionTexts = texts;
}

/** The first package of this identity, which is `row` if there was none; that one is noted then. */
export function firstOf(key: u32, arch: u32, version: u32, row: u32): u32 {
  if (count << 1 >= slots.length) rehash();
  const mask = slots.length - 1;
  let slot = hashOf(key, arch, version) & mask;
  for (let found = slots.at(slot); found != 0; found = slots.at(slot)) {
    const other = found - 1;
    if (keys.at(other) == key && archs.at(other) == arch && isSame(versions.at(other), version)) return other;
    slot = (slot + 1) & mask;
  }
  slots.set(slot, row + 1);
  count++;
  return row;
}

function hashOf(key: u32, arch: u32, version: u32): u32 {
  let hash = key * 0x9e3779b1;
  for (let at = versionTexts.start + version; !isEnd(at); at++) hash = (hash ^ load<u8>(at)) * 0x01000193;
  hash = hash * 0x85ebca6b + arch;
  return (hash ^ (hash >> 15)) * 0xc2b2ae35;
}

/** Whether two versions are the same text. */
function isSame(a: u32, b: u32): bool {
  let left = versionTexts.start + a;
  let right = versionTexts.start + b;
  for (; !isEnd(left) && !isEnd(right); left++, right++) if (load<u8>(left) != load<u8>(right)) return false;
  return isEnd(left) && isEnd(right);
}

/** Whether a text of versions ends at a place: a newline does that, unless the line after it goes on with the same value. */
function isEnd(at: usize): bool {
  if (load<u8>(at) != NEWLINE) return false;
  if (at + 1 >= versionTexts.start + versionTexts.length) return true;
  const next = load<u8>(at + 1);
  return next != SPACE && next != TAB;
}

function rehash(): void {
  const old = slots;
  slots = zeros(old.length << 1);
  const mask = slots.length - 1;
  for (let at: u32 = 0; at < old.length; at++) {
    if (old.at(at) == 0) continue;
    const row = old.at(at) - 1;
    let slot = hashOf(keys.at(row), archs.at(row), versions.at(row)) & mask;
    while (slots.at(slot) != 0) slot = (slot + 1) & mask;
    slots.set(slot, row + 1);
  }
}
