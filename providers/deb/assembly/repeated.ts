import { Numbers, zeros } from '../../../packages/assembly/assembly/columns';

/** Finds packages by name, architecture and version, of names that have several. */
let slots: Numbers = zeros(1024);
let count: u32 = 0;

let keys!: Numbers;
let archs!: Numbers;
let versions!: Numbers;

/** @param keyColumn columns of all packages: names, and so on. */
export function begin(keyColumn: Numbers, archColumn: Numbers, versionColumn: Numbers): void {
  keys = keyColumn;
  archs = archColumn;
  versions = versionColumn;
}

/** The first package of this identity, which is `row` if there was none; that one is noted then. */
export function firstOf(key: u32, arch: u32, version: u32, row: u32): u32 {
  if (count << 1 >= slots.length) rehash();
  const mask = slots.length - 1;
  let slot = hashOf(key, arch, version) & mask;
  for (let found = slots.at(slot); found != 0; found = slots.at(slot)) {
    const other = found - 1;
    if (keys.at(other) == key && archs.at(other) == arch && versions.at(other) == version) return other;
    slot = (slot + 1) & mask;
  }
  slots.set(slot, row + 1);
  count++;
  return row;
}

function hashOf(key: u32, arch: u32, version: u32): u32 {
  const hash = ((key * 0x9e3779b1) ^ version) * 0x85ebca6b + arch;
  return (hash ^ (hash >> 15)) * 0xc2b2ae35;
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
