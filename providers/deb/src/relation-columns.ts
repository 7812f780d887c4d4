import { NumberColumn, TextKeys } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import { parseRelations } from './relation.js';
import { columnOf, valueStart, valueStop } from './stanza-scan.js';

/** Fields whose relations a resolution asks for, in the order of the columns of {@link RelationColumns.lists}. */
export const RELATION_FIELDS = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Provides'] as const;

/** One of {@link RELATION_FIELDS}. */
export type KeptRelationField = (typeof RELATION_FIELDS)[number];

/**
 * Relation fields taken apart into groups (`a | b`), each group that is written alike there once: what is left to read is the text of the
 * groups that a resolution looks at.
 */
export interface RelationColumns {
  /** By package and field: number of its list of groups; 0 when it has none, {@link UNREADABLE} when the field cannot be read. */
  readonly lists: Uint32Array;
  /** By list: the end of its run in `members`; it begins where that of the list before ends. List 0 is empty. */
  readonly ends: Uint32Array;
  /** Numbers of groups. */
  readonly members: Uint32Array;
  /** By group: where its text begins, and its length in bytes. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

/** See {@link RelationColumns.lists}. */
export const UNREADABLE = 0xffff_ffff;

const COLUMNS = RELATION_FIELDS.map((field) => columnOf(field.toLowerCase() as Lowercase<KeptRelationField>));
const COMMA = 0x2c;
const BAR = 0x7c;
const SPACE = 0x20;
const TAB = 0x09;
const RETURN = 0x0d;

/**
 * Takes the relation fields of all packages apart.
 *
 * @param fields see `IndexColumns.fields`; equal texts are taken apart once where they lie in one place.
 * @param width columns of `fields`.
 */
export function readRelations(bytes: Uint8Array, fields: Uint32Array, width: number): RelationColumns {
  const count = fields.length / width;
  const lists = new Uint32Array(count * RELATION_FIELDS.length);
  const ends = new NumberColumn(count);
  ends.push(0);
  const members = new NumberColumn(8 * count);
  const groups = new TextKeys(bytes, 4 * count);
  /** By place of a field's value, twice, and one more for Provides: its list. */
  const known = new Map<number, number>();
  const faults = new Set<number>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

  const groupOf = (from: number, to: number): number => {
    const next = groups.size;
    const group = groups.keyOf(from, to);
    if (group === next && !isRelation(buffer.toString('utf8', from, to))) faults.add(group);
    return group;
  };
  const readList = (from: number, isProvides: boolean): number => {
    const start = valueStart(bytes, from);
    const stop = valueStop(bytes, start);
    const found: number[] = [];
    for (let at = start; at < stop; at++) {
      let end = at;
      while (end < stop && bytes[end] !== COMMA) {
        if (isProvides && bytes[end] === BAR) return UNREADABLE;
        end++;
      }
      let last = end;
      while (at < last && isBlank(bytes[at])) at++;
      while (at < last && isBlank(bytes[last - 1])) last--;
      if (at < last) found.push(groupOf(at, last));
      at = end;
    }
    if (found.some((group) => faults.has(group))) return UNREADABLE;
    if (found.length === 0) return 0;
    for (const group of found) members.push(group);
    ends.push(members.length);
    return ends.length - 1;
  };
  for (let row = 0; row < count; row++) {
    for (let place = 0; place < RELATION_FIELDS.length; place++) {
      const from = fields[row * width + COLUMNS[place]];
      if (from === 0) continue;
      const isProvides = RELATION_FIELDS[place] === 'Provides';
      const key = 2 * from + (isProvides ? 1 : 0);
      const list = known.get(key) ?? readList(from, isProvides);
      known.set(key, list);
      lists[row * RELATION_FIELDS.length + place] = list;
    }
  }
  const { starts, lengths } = groups.columns();
  return { lists, ends: ends.numbers, members: members.numbers, starts, lengths };
}

function isRelation(text: string): boolean {
  try {
    parseRelations(text);
    return true;
  } catch (error) {
    if (hasCode(error, 'ICT_DEB_RELATION_INVALID')) return false;
    throw error;
  }
}

/** What `String.prototype.trim` takes away, of ASCII. */
function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= RETURN);
}
