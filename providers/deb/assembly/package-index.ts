import { Bytes, bytes, bytesAt, Notes, notes, Numbers, numbers, numbersAt } from '../../../packages/assembly/assembly/columns';
import { reserve } from '../../../packages/assembly/assembly/memory';
import { width } from './fields';
import { FIELDS } from './relations';
import { adopted, KnownKeys } from './texts';

/** Bits of a package's flags, as `FLAG` of src/metadata/index-directory.ts has them. */
const MULTI_ARCH_SHIFT: u8 = 2;
export const SAME: u8 = 1;
export const FOREIGN: u8 = 2;
export const ALLOWED: u8 = 3;

/** Columns that the caller writes of a directory, each told as where it lies and how long it is. */
const COLUMN_BYTES: usize = 8;

/** Rows by key. */
@unmanaged
export class Rows {
  ends: Numbers;
  rows: Numbers;

  /** Where the run of a key begins, and ends. */
  from(key: u32): u32 {
    return key == 0 ? 0 : this.ends.at(key - 1);
  }

  to(key: u32): u32 {
    return this.ends.at(key);
  }
}

/** The directory of an index, and what was read of its stanzas so far. */
@unmanaged
export class Index {
  /** By which the caller knows it. */
  number: u32;
  /** Names that its packages have or provide. */
  known: KnownKeys;
  named: Rows;
  provided: Rows;
  /** By package. */
  starts: Numbers;
  stops: Numbers;
  keys: Numbers;
  versions: Numbers;
  archs: Numbers;
  flags: Bytes;
  versionTexts: Bytes;
  /** By package: its stanza + 1, or 0. */
  loaded: Notes;
  /** By key: number of the name + 1, or 0; and by number of a name: its key + 2, or 1 when it has none here, or 0. */
  names: Notes;
  keysOfNames: Notes;
  /** Texts of stanzas, which move when more are read. */
  texts: Bytes;
  /** By stanza: offset of the byte after its last. */
  ends: Numbers;
  /** By stanza and column: offset of the byte after the colon; 0 when the field is absent. */
  places: Numbers;
  /** By stanza and relation field: its list, or 0. */
  lists: Notes;

  /** Whether a text is the name of a package. */
  isNamed(row: u32, from: usize, to: usize): bool {
    return this.known.isText(this.keys.at(row), from, <u32>(to - from));
  }

  multiArch(row: u32): u8 {
    return (load<u8>(this.flags.start + row) >> MULTI_ARCH_SHIFT) & 3;
  }

  /** Where the text of a version begins; it ends as a value does. */
  versionAt(row: u32): usize {
    return this.versionTexts.start + this.versions.at(row);
  }

  /** Where the texts of versions end. This index lies behind them, so that a whole block may be read there. */
  versionsEnd(): usize {
    return this.versionTexts.start + this.versionTexts.length;
  }
}

/** What a large resolution reads of an index: a column that grows is written twice. */
const EXPECTED_STANZAS: u32 = 4096;
const STANZA_BYTES: u32 = 1024;

/**
 * Takes a directory that the caller has written.
 *
 * @param columns where its columns are told: texts of names, their starts, lengths and hash table; ends and rows of packages by name, and of those that provide one;
 * starts, stops, keys, versions, architectures and flags of packages; texts of versions.
 */
export function enlist(number: u32, columns: usize): Index {
  const index = changetype<Index>(reserve(offsetof<Index>()));
  index.number = number;
  const words = start(columns, 0);
  index.known = adopted(
    words,
    length(columns, 0),
    start(columns, 1),
    start(columns, 2),
    length(columns, 1),
    start(columns, 3),
    length(columns, 3),
  );
  index.named = rows(columns, 4);
  index.provided = rows(columns, 6);
  index.starts = column(columns, 8);
  index.stops = column(columns, 9);
  index.keys = column(columns, 10);
  index.versions = column(columns, 11);
  index.archs = column(columns, 12);
  index.flags = texts(columns, 13);
  index.versionTexts = texts(columns, 14);
  index.loaded = notes(index.starts.length);
  index.names = notes(index.known.starts.length);
  const stanzas = min(EXPECTED_STANZAS, index.starts.length);
  index.keysOfNames = notes(stanzas);
  index.texts = bytes(stanzas * STANZA_BYTES);
  index.ends = numbers(stanzas);
  index.places = numbers(stanzas * width);
  index.lists = notes(stanzas * FIELDS);
  forget(index);
  return index;
}

/** Forgets the stanzas of an index; what is known of groups and names stays. */
export function forget(index: Index): void {
  index.loaded.clear();
  index.lists.clear();
  index.texts.length = 1; // So that no place is 0.
  index.ends.length = 0;
  index.places.length = 0;
}

function start(columns: usize, at: usize): usize {
  return load<u32>(columns + at * COLUMN_BYTES);
}

function length(columns: usize, at: usize): u32 {
  return load<u32>(columns + at * COLUMN_BYTES + 4);
}

function column(columns: usize, at: usize): Numbers {
  return numbersAt(start(columns, at), length(columns, at));
}

function texts(columns: usize, at: usize): Bytes {
  return bytesAt(start(columns, at), length(columns, at));
}

function rows(columns: usize, at: usize): Rows {
  const made = changetype<Rows>(reserve(offsetof<Rows>()));
  made.ends = column(columns, at);
  made.rows = column(columns, at + 1);
  return made;
}
