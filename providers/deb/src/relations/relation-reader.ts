import { NumberColumn, TextKeys } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import { NAME_BYTES } from '../metadata/index-columns.js';
import { RelationTable } from './relation.js';
import type { RelationColumns } from '../metadata/relation-columns.js';
import { operatorIn, OPERATORS, RELATION_FIELDS, shapeOf, UNREADABLE, versionLengthIn } from './relation-numbers.js';
import type { KeptRelationField, RelationNumbers } from './relation-numbers.js';
import { columnOf, valueStart, valueStop } from '../metadata/stanza-scan.js';
import type { RelationOperator } from './version.js';

const COLUMNS = RELATION_FIELDS.map((field) => columnOf(field.toLowerCase() as Lowercase<KeptRelationField>));
const PACKAGE = columnOf('package');
const PROVIDES = RELATION_FIELDS.indexOf('Provides');
/** A list, or the name of a package, that nobody has asked for. */
const UNKNOWN = 0xffff_fffe;
const COMMA = 0x2c;
const BAR = 0x7c;
const SPACE = 0x20;
const TAB = 0x09;
const RETURN = 0x0d;
const OPEN = 0x28;
const CLOSE = 0x29;
/** Length of ` | `. */
const SEPARATOR = 3;

/** By byte: 1 when a version of a relation may have it. */
const VERSION_BYTES = Uint8Array.from({ length: 256 }, (_, code) => (/[A-Za-z0-9.+~:-]/.test(String.fromCharCode(code)) ? 1 : 0));
const OPERATOR_BYTES = OPERATORS.map((operator) => Buffer.from(operator ?? ''));

/** Takes relation fields apart, each when it is first asked for. */
export class RelationReader implements RelationNumbers {
  readonly #bytes: Uint8Array;
  readonly #buffer: Buffer;
  readonly #fields: Uint32Array;
  readonly #width: number;
  readonly #table: RelationTable;
  readonly #lists: Uint32Array;
  readonly #ends: NumberColumn;
  readonly #members: NumberColumn;
  readonly #groups: TextKeys;
  readonly #groupEnds: NumberColumn;
  readonly #alternatives: NumberColumn;
  readonly #shapes: NumberColumn;
  readonly #versions: NumberColumn;
  readonly #names: TextKeys;
  readonly #packageNames: Uint32Array;
  /** By place of a field's value, twice, and one more for Provides: its list. */
  readonly #known = new Map<number, number>();
  /** Groups that cannot be read. */
  readonly #faults = new Set<number>();

  /**
   * @param bytes where the values of `fields` lie; see `IndexColumns.fields`.
   * @param width columns of `fields`.
   * @param table relations already parsed.
   */
  constructor(bytes: Uint8Array, fields: Uint32Array, width: number, table = new RelationTable()) {
    const count = fields.length / width;
    this.#bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fields = fields;
    this.#width = width;
    this.#table = table;
    this.#lists = new Uint32Array(count * RELATION_FIELDS.length).fill(UNKNOWN);
    this.#packageNames = new Uint32Array(count).fill(UNKNOWN);
    this.#ends = new NumberColumn(count);
    this.#ends.push(0);
    this.#members = new NumberColumn(count);
    this.#groups = new TextKeys(bytes, count);
    this.#groupEnds = new NumberColumn(count);
    this.#alternatives = new NumberColumn(count);
    this.#shapes = new NumberColumn(count);
    this.#versions = new NumberColumn(count);
    this.#names = new TextKeys(bytes, count);
  }

  list(row: number, place: number): number {
    const at = row * RELATION_FIELDS.length + place;
    if (this.#lists[at] === UNKNOWN) this.#lists[at] = this.#find(this.#fields[row * this.#width + COLUMNS[place]], place === PROVIDES);
    return this.#lists[at];
  }

  listEnd(list: number): number {
    return this.#ends.at(list);
  }

  member(at: number): number {
    return this.#members.at(at);
  }

  groupEnd(group: number): number {
    return this.#groupEnds.at(group);
  }

  groupText(group: number): string {
    return this.#groups.text(group);
  }

  alternativeName(alternative: number): number {
    return this.#alternatives.at(alternative);
  }

  operator(alternative: number): RelationOperator | undefined {
    return operatorIn(this.#shapes.at(alternative));
  }

  version(alternative: number): string | undefined {
    const shape = this.#shapes.at(alternative);
    const start = this.#versions.at(alternative);
    return shape === 0 ? undefined : this.#buffer.toString('latin1', start, start + versionLengthIn(shape));
  }

  packageName(row: number): number {
    if (this.#packageNames[row] === UNKNOWN) {
      const start = valueStart(this.#bytes, this.#fields[row * this.#width + PACKAGE]);
      this.#packageNames[row] = this.#names.keyOf(start, valueStop(this.#bytes, start));
    }
    return this.#packageNames[row];
  }

  nameText(name: number): string {
    return this.#names.text(name);
  }

  /** All that was read. */
  columns(): RelationColumns {
    const { starts, lengths } = this.#groups.columns();
    const names = this.#names.columns();
    return {
      lists: this.#lists,
      ends: this.#ends.numbers,
      members: this.#members.numbers,
      starts,
      lengths,
      groupEnds: this.#groupEnds.numbers,
      alternatives: this.#alternatives.numbers,
      shapes: this.#shapes.numbers,
      versions: this.#versions.numbers,
      packageNames: this.#packageNames,
      nameStarts: names.starts,
      nameLengths: names.lengths,
    };
  }

  /** @param from place of a field's value; 0 when it is absent. */
  #find(from: number, isProvides: boolean): number {
    if (from === 0) return 0;
    const key = 2 * from + (isProvides ? 1 : 0);
    let list = this.#known.get(key);
    if (list === undefined) this.#known.set(key, (list = this.#read(from, isProvides)));
    return list;
  }

  #read(from: number, isProvides: boolean): number {
    const bytes = this.#bytes;
    const start = valueStart(bytes, from);
    const stop = valueStop(bytes, start);
    const found: number[] = [];
    for (let at = start; at < stop; at++) {
      let end = at;
      while (end < stop && bytes[end] !== COMMA) {
        if (isProvides && bytes[end] === BAR) return UNREADABLE;
        end++;
      }
      const first = this.#afterBlanks(at, end);
      const last = this.#beforeBlanks(first, end);
      if (first < last) found.push(this.#group(first, last));
      at = end;
    }
    if (found.some((group) => this.#faults.has(group))) return UNREADABLE;
    if (found.length === 0) return 0;
    for (const group of found) this.#members.push(group);
    this.#ends.push(this.#members.length);
    return this.#ends.length - 1;
  }

  #group(from: number, to: number): number {
    const next = this.#groups.size;
    const group = this.#groups.keyOf(from, to);
    if (group < next) return group;
    if (!this.#readPlain(from, to) && !this.#isRelation(group)) this.#faults.add(group);
    this.#groupEnds.push(this.#alternatives.length);
    return group;
  }

  /** Reads a group of nothing but names and versions, written as `formatGroup` does. @returns false for any other. */
  #readPlain(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const begin = this.#alternatives.length;
    for (let at = from; ; at += SEPARATOR) {
      const start = at;
      if (at < to && NAME_BYTES[bytes[at]] === 2) while (at < to && NAME_BYTES[bytes[at]] > 0) at++;
      const nameEnd = at;
      let operator = 0;
      let version = 0;
      if (at + 1 < to && bytes[at] === SPACE && bytes[at + 1] === OPEN) {
        operator = operatorAt(bytes, at + 2);
        version = at + (OPERATORS[operator]?.length ?? 0) + 3;
        at = version;
        while (at < to && VERSION_BYTES[bytes[at]] === 1) at++;
        if (operator === 0 || at === version || bytes[version - 1] !== SPACE || at === to || bytes[at++] !== CLOSE) break;
      }
      if (start === nameEnd) break;
      this.#alternatives.push(this.#names.keyOf(start, nameEnd));
      this.#shapes.push(shapeOf(operator, version === 0 ? 0 : at - 1 - version));
      this.#versions.push(version);
      if (at === to) return true;
      if (at + SEPARATOR > to || bytes[at] !== SPACE || bytes[at + 1] !== BAR || bytes[at + 2] !== SPACE) break;
    }
    for (const column of [this.#alternatives, this.#shapes, this.#versions]) column.cut(begin);
    return false;
  }

  #isRelation(group: number): boolean {
    try {
      this.#table.group(this.groupText(group));
      return true;
    } catch (error) {
      if (hasCode(error, 'ICT_DEB_RELATION_INVALID')) return false;
      throw error;
    }
  }

  #afterBlanks(from: number, to: number): number {
    let at = from;
    while (at < to && isBlank(this.#bytes[at])) at++;
    return at;
  }

  #beforeBlanks(from: number, to: number): number {
    let at = to;
    while (from < at && isBlank(this.#bytes[at - 1])) at--;
    return at;
  }
}

/** What `String.prototype.trim` takes away, of ASCII. */
function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= RETURN);
}

/** Number of the operator that stands at a place; 0 for none. */
function operatorAt(bytes: Uint8Array, at: number): number {
  for (let number = 1; number < OPERATOR_BYTES.length; number++) {
    const operator = OPERATOR_BYTES[number]!;
    if (bytes[at] === operator[0] && (operator.length === 1 || bytes[at + 1] === operator[1])) return number;
  }
  return 0;
}
