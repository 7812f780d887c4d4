/**
 * Reads stanzas of a `Packages` text that somebody asks about: where their fields lie, and what their relations say, as numbers. Each stanza is read once, and
 * each group of a relation that is written alike.
 *
 * The caller is src/metadata/stanza-values.ts; see index.ts for what this language is, and why.
 */
import { Bytes, bytes, Numbers, numbers } from '../../../packages/assembly/assembly/columns';
import * as fields from './fields';
import { reserve } from '../../../packages/assembly/assembly/memory';
import * as relations from './relations';
import { endAt, SLACK, valueStart, valueStop } from './stanza';

/** Bytes of stanzas to have room for at first; a large resolution reads twice as much. */
const EXPECTED_BYTES = 2 << 20;
const EXPECTED_STANZAS = 2048;

/** Texts of stanzas, which move when more are read. */
let texts!: Bytes;
/** By stanza: offset of the byte after its last. */
let ends!: Numbers;
/** By stanza and column: offset of the byte after the colon; 0 when the field is absent. */
let places!: Numbers;

/**
 * @param fieldNames names of fields in lower case, each ended by a newline; their order is that of columns.
 * @param required how many of them, from the first, a stanza must have.
 * @param relationFields how many fields {@link listOf} is asked for.
 */
export function begin(fieldNames: usize, length: usize, required: u32, relationFields: u32): void {
  fields.begin(fieldNames, length, required);
  texts = bytes(EXPECTED_BYTES);
  texts.length = 1; // So that no place is 0.
  ends = numbers(EXPECTED_STANZAS);
  places = numbers(EXPECTED_STANZAS * fields.width);
  relations.begin(relationFields);
}

/** Memory for the caller, which stays his. */
export function room(sizeBytes: usize): usize {
  return reserve(sizeBytes);
}

export { adopt, groupTexts, nameBytes, unknownLength, unknownName, versionBytes } from './relations';

/** Where the caller is to write the next stanza. */
export function nextStanza(length: u32): usize {
  texts.require(length + <u32>SLACK);
  return texts.start + texts.length;
}

/**
 * Takes the stanza that was written last.
 *
 * @param name key of its name.
 * @returns its number; -1 when it is not one of a package of that name, or broken.
 */
export function addStanza(length: u32, name: u32): i32 {
  const start = texts.start + texts.length;
  const end = start + length;
  memory.fill(end, 0, SLACK);
  endAt(end);
  if (!fields.scan(start, end)) return -1;
  const own = valueStart(fields.at(0));
  if (!relations.isNamed(name, own, valueStop(own))) return -1;
  const number = ends.length;
  for (let column: u32 = 0; column < fields.width; column++) {
    const place = fields.at(column);
    places.push(place == 0 ? 0 : <u32>(place - texts.start));
  }
  texts.length += length + <u32>SLACK;
  ends.push(<u32>(end - texts.start));
  relations.expect();
  return number;
}

/** The first byte of a value that is not white space; 0 when the stanza has no such field. */
export function valueOf(number: u32, column: u32): usize {
  const place = places.at(number * fields.width + column);
  if (place == 0) return 0;
  endAt(texts.start + ends.at(number));
  return valueStart(texts.start + place);
}

/** The byte after the last one of the value that {@link valueOf} told last. */
export function valueEnd(start: usize): usize {
  return valueStop(start);
}

/** The list of groups that a field of a stanza has: see relations.ts. `field` is its place among those that are asked for as relations. */
export function listOf(number: u32, field: u32, column: u32, isProvides: bool): u32 {
  const list = relations.listOf(number, field);
  if (list != relations.UNKNOWN) return list;
  const start = valueOf(number, column);
  return relations.note(number, field, start == 0 ? 0 : relations.read(start, valueStop(start), isProvides));
}

/** Forgets all stanzas; what is known of groups stays. */
export function release(): void {
  texts.length = 1;
  ends.length = 0;
  places.length = 0;
  relations.release();
}
