import { Index } from './package-index';
import { Keys, keys } from './texts';

const EXPECTED: u32 = 16384;
const ABSENT: u32 = 1;

/** Names that relations or packages were seen to have, of all indexes. */
let names!: Keys;

export function begin(): void {
  names = keys(EXPECTED);
}

/** The number of a name, which is the next one when it was not seen before. */
export function nameOf(from: usize, to: usize): u32 {
  return names.keyOf(from, to);
}

/** The number of the name that a package has. */
export function nameOfRow(index: Index, row: u32): u32 {
  const key = index.keys.at(row);
  const known = index.names.at(key);
  if (known != 0) return known - 1;
  const text = index.known.textOf(key);
  const name = names.keyOf(text, text + index.known.lengths.at(key));
  index.names.set(key, name + 1);
  return name;
}

/** The key of a name in an index; -1 when no package of it has or provides the name. */
export function keyOf(index: Index, name: u32): i32 {
  let noted = index.keysOfNames.at(name);
  if (noted == 0) {
    const text = names.textOf(name);
    const key = index.known.find(text, text + names.lengths.at(name));
    noted = key < 0 ? ABSENT : <u32>key + 2;
    index.keysOfNames.set(name, noted);
  }
  return <i32>noted - 2;
}

/** Where the text of a name lies, and its length. */
export function nameText(name: u32): usize {
  return names.textOf(name);
}

export function nameLength(name: u32): u32 {
  return names.lengths.at(name);
}
