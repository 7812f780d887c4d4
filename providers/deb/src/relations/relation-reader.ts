import { NumberColumn, TextKeys } from '@ict/package-index';
import type { TextLookup } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import type { IndexDirectory } from '../metadata/index-directory.js';
import { NAME_BYTES } from '../metadata/name-bytes.js';
import type { RelationTable } from './relation.js';
import { operatorIn, OPERATORS, RELATION_FIELDS, shapeOf, UNREADABLE, versionLengthIn } from './relation-numbers.js';
import type { KeptRelationField, RelationNumbers } from './relation-numbers.js';
import { columnOf, valueStart, valueStop } from '../metadata/stanza-scan.js';
import type { StanzaValues } from '../metadata/stanza-values.js';
import type { RelationOperator } from './version.js';

const COLUMNS = RELATION_FIELDS.map((field) => columnOf(field.toLowerCase() as Lowercase<KeptRelationField>));
const PROVIDES = RELATION_FIELDS.indexOf('Provides');
/** Lists, groups and names that a resolution comes to; more are no error. */
const EXPECTED = 4096;
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
  readonly #values: StanzaValues;
  readonly #table: RelationTable;
  /** The names of packages and of what they provide, whose keys are their numbers. */
  readonly #known: TextLookup;
  readonly #knownCount: number;
  /** Names that no package has or provides; their numbers come after the others. */
  readonly #unknown = new TextKeys(undefined);
  readonly #keys: Uint32Array;
  /** By loaded stanza and field: its list + 1, {@link UNREADABLE}, or 0 when nobody has asked. */
  #lists = new Uint32Array(EXPECTED * RELATION_FIELDS.length);
  readonly #ends = new NumberColumn(EXPECTED);
  readonly #members = new NumberColumn(EXPECTED);
  /** Texts of groups, copied: stanzas do not stay where they are. */
  readonly #groups = new TextKeys(undefined, EXPECTED);
  readonly #groupEnds = new NumberColumn(EXPECTED);
  readonly #alternatives = new NumberColumn(EXPECTED);
  readonly #shapes = new NumberColumn(EXPECTED);
  readonly #versions = new NumberColumn(EXPECTED);
  /** Groups that cannot be read. */
  readonly #faults = new Set<number>();

  /**
   * @param directory its keys number the names.
   * @param known finds them.
   * @param table relations already parsed.
   */
  constructor(values: StanzaValues, { keys, names }: IndexDirectory, known: TextLookup, table: RelationTable) {
    this.#values = values;
    this.#table = table;
    this.#known = known;
    this.#knownCount = names.starts.length;
    this.#keys = keys;
    this.#ends.push(0);
  }

  list(row: number, place: number): number {
    const at = this.#values.stanza(row) * RELATION_FIELDS.length + place;
    if (at >= this.#lists.length) this.#lists = grown(this.#lists, at);
    const known = this.#lists[at];
    if (known !== 0) return known === UNREADABLE ? UNREADABLE : known - 1;
    const from = this.#values.place(row, COLUMNS[place]);
    const list = from === 0 ? 0 : this.#read(from, place === PROVIDES);
    this.#lists[at] = list === UNREADABLE ? UNREADABLE : list + 1;
    return list;
  }

  /** Forgets which lists stanzas have, because these were forgotten; the lists stay. */
  release(): void {
    this.#lists.fill(0);
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
    return shape === 0 ? undefined : this.#groups.textAt(start, versionLengthIn(shape));
  }

  packageName(row: number): number {
    return this.#keys[row];
  }

  nameText(name: number): string {
    return name < this.#knownCount ? this.#known.textOf(name) : this.#unknown.text(name - this.#knownCount);
  }

  #read(from: number, isProvides: boolean): number {
    const { bytes } = this.#values;
    const start = valueStart(bytes, from);
    const stop = valueStop(bytes, start);
    const found: number[] = [];
    for (let at = start; at < stop; at++) {
      let end = at;
      while (end < stop && bytes[end] !== COMMA) {
        if (isProvides && bytes[end] === BAR) return UNREADABLE;
        end++;
      }
      const first = afterBlanks(bytes, at, end);
      const last = beforeBlanks(bytes, first, end);
      if (first < last) found.push(this.#group(bytes, first, last));
      at = end;
    }
    if (found.some((group) => this.#faults.has(group))) return UNREADABLE;
    if (found.length === 0) return 0;
    for (const group of found) this.#members.push(group);
    this.#ends.push(this.#members.length);
    return this.#ends.length - 1;
  }

  #group(bytes: Uint8Array, from: number, to: number): number {
    const next = this.#groups.size;
    const group = this.#groups.keyOf(from, to, bytes);
    if (group < next) return group;
    if (!this.#readPlain(bytes, from, to, this.#groups.start(group) - from) && !this.#isRelation(group)) this.#faults.add(group);
    this.#groupEnds.push(this.#alternatives.length);
    return group;
  }

  /**
   * Reads a group of nothing but names and versions, written as `formatGroup` does.
   *
   * @param shift from here to where the text is kept.
   * @returns false for any other.
   */
  #readPlain(bytes: Uint8Array, from: number, to: number, shift: number): boolean {
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
      this.#alternatives.push(this.#name(bytes, start, nameEnd));
      this.#shapes.push(shapeOf(operator, version === 0 ? 0 : at - 1 - version));
      this.#versions.push(version + shift);
      if (at === to) return true;
      if (at + SEPARATOR > to || bytes[at] !== SPACE || bytes[at + 1] !== BAR || bytes[at + 2] !== SPACE) break;
    }
    for (const column of [this.#alternatives, this.#shapes, this.#versions]) column.cut(begin);
    return false;
  }

  #name(bytes: Uint8Array, from: number, to: number): number {
    const key = this.#known.keyAt(from, to, bytes);
    return key < 0 ? this.#knownCount + this.#unknown.keyOf(from, to, bytes) : key;
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
}

function afterBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(bytes[at])) at++;
  return at;
}

function beforeBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (from < at && isBlank(bytes[at - 1])) at--;
  return at;
}

/** The same numbers with room for a place. */
function grown(numbers: Uint32Array<ArrayBuffer>, place: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(place + 1, 2 * numbers.length));
  larger.set(numbers);
  return larger;
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
