/** Stanzas of packages, each read when something of it is first asked for: where their fields lie, and what their relations say, as numbers. */
import * as fields from './fields';
import { empty } from './lists';
import { Index } from './package-index';
import * as relations from './relations';
import { endAt, SLACK, valueStart, valueStop } from './stanza';

/**
 * Reads the text of a package to a place of the memory.
 *
 * Imported as `readText` of the module `stanzas`.
 */
declare function readText(index: u32, row: u32, place: usize): void;

/**
 * Says that the text of a package is not one of a package of that name: the caller throws.
 *
 * Imported as `changed` of the module `stanzas`.
 */
declare function changed(index: u32, row: u32): void;

/** The first byte of a value that is not white space; 0 when the package has no such field. */
export function valueOf(index: Index, row: u32, column: u32): usize {
  return valueIn(index, stanzaOf(index, row), column);
}

/** The byte after the last one of the value that {@link valueOf} told last. */
export function valueEnd(start: usize): usize {
  return valueStop(start);
}

/** The list of groups that a relation field of a package has, or `UNREADABLE` of relations.ts. */
export function listOf(index: Index, row: u32, field: u32): u32 {
  const stanza = stanzaOf(index, row);
  const key = stanza * relations.FIELDS + field;
  const known = index.lists.at(key);
  if (known != 0) return known;
  const start = valueIn(index, stanza, relations.columnOf(field));
  const list = start == 0 ? empty : relations.read(start, valueStop(start), field);
  index.lists.set(key, list);
  return list;
}

function valueIn(index: Index, stanza: u32, column: u32): usize {
  const place = index.places.at(stanza * fields.width + column);
  if (place == 0) return 0;
  endAt(index.texts.start + index.ends.at(stanza));
  return valueStart(index.texts.start + place);
}

function stanzaOf(index: Index, row: u32): u32 {
  const known = index.loaded.at(row);
  return (known == 0 ? read(index, row) : known) - 1;
}

function read(index: Index, row: u32): u32 {
  const length = index.stops.at(row) - index.starts.at(row);
  const texts = index.texts;
  texts.require(length + <u32>SLACK);
  const start = texts.start + texts.length;
  readText(index.number, row, start);
  const end = start + length;
  memory.fill(end, 0, SLACK);
  endAt(end);
  if (!fields.scan(start, end)) changed(index.number, row);
  const own = valueStart(fields.at(0));
  if (!index.isNamed(row, own, valueStop(own))) changed(index.number, row);
  for (let column: u32 = 0; column < fields.width; column++) {
    const place = fields.at(column);
    index.places.push(place == 0 ? 0 : <u32>(place - texts.start));
  }
  texts.length += length + <u32>SLACK;
  index.ends.push(<u32>(end - texts.start));
  index.loaded.set(row, index.ends.length);
  return index.ends.length;
}
