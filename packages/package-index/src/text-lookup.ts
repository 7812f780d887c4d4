import { equalBytes, hashBytes } from './byte-hash.js';
import type { Section } from './container-sections.js';
import { grown, TextKeys } from './text-keys.js';
import type { KeyColumns } from './text-keys.js';

/** A lookup as plain columns, for a container. */
export interface LookupColumns extends KeyColumns {
  /** By key: the end of its run in `rows`; it begins where that of the key before ends. */
  readonly ends: Uint32Array;
  readonly rows: Uint32Array;
}

const NO_ROWS = new Uint32Array(0);
const LAST_ASCII = 0x7f;

/** Gathers keys and the rows that have them. */
class RowsByKey {
  /** Pairs of key and row. */
  #pairs: Uint32Array<ArrayBuffer>;
  #pairCount = 0;

  /** @param expected how many pairs there may be; more are no error. */
  constructor(expected = 1024) {
    this.#pairs = new Uint32Array(2 * Math.max(16, expected));
  }

  /** Says that `row` has a key. Rows come in ascending order; a row that is given twice counts once. */
  add(key: number, row: number): void {
    if (2 * this.#pairCount + 2 > this.#pairs.length) this.#pairs = grown(this.#pairs);
    this.#pairs[2 * this.#pairCount] = key;
    this.#pairs[2 * this.#pairCount + 1] = row;
    this.#pairCount++;
  }

  /** @param keys how many there are. */
  build(keys: number): Pick<LookupColumns, 'ends' | 'rows'> {
    const ends = new Uint32Array(keys);
    const rows = new Uint32Array(this.#pairCount);
    const last = new Int32Array(keys).fill(-1);
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const key = this.#pairs[2 * pair];
      const row = this.#pairs[2 * pair + 1];
      if (last[key] !== row) ends[key]++;
      last[key] = row;
    }
    for (let key = 1; key < ends.length; key++) ends[key] += ends[key - 1];
    const next = new Uint32Array(keys);
    for (let key = 1; key < next.length; key++) next[key] = ends[key - 1];
    last.fill(-1);
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const key = this.#pairs[2 * pair];
      const row = this.#pairs[2 * pair + 1];
      if (last[key] !== row) rows[next[key]++] = row;
      last[key] = row;
    }
    return { ends, rows: rows.slice(0, ends.at(-1) ?? 0) };
  }
}

/** Gathers texts and the rows that have them. */
export class TextLookupBuilder {
  readonly #keys: TextKeys;
  readonly #rows: RowsByKey;

  /**
   * @param bytes where the texts lie.
   * @param expected how many texts there may be; more are no error.
   */
  constructor(bytes: Uint8Array, expected = 1024) {
    this.#keys = new TextKeys(bytes, expected);
    this.#rows = new RowsByKey(expected);
  }

  /** Says that `row` has the text at `[from, to)`. Rows come in ascending order; a row that is given twice counts once. */
  add(from: number, to: number, row: number): void {
    this.addKey(this.key(from, to), row);
  }

  /** @returns the key of the text at `[from, to)`, for {@link addKey}: a small number, the same for equal texts. */
  key(from: number, to: number): number {
    return this.#keys.keyOf(from, to);
  }

  /** Like {@link add}, for a text whose key is known. */
  addKey(key: number, row: number): void {
    this.#rows.add(key, row);
  }

  build(): LookupColumns {
    return { ...this.#keys.columns(), ...this.#rows.build(this.#keys.size) };
  }
}

/** Finds rows by a text, without a string for any text that is not asked for. */
export class TextLookup {
  readonly #bytes: Buffer;
  readonly #columns: LookupColumns;
  /** The text that is looked for, as bytes. */
  #wanted = new Uint8Array(64);

  /** @param bytes where the texts of the columns lie. */
  constructor(bytes: Uint8Array, columns: LookupColumns) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#columns = columns;
  }

  /** Rows that have a text, ascending; a view. */
  find(text: string): Uint32Array {
    const key = this.key(text);
    if (key < 0) return NO_ROWS;
    const { ends, rows } = this.#columns;
    return rows.subarray(key === 0 ? 0 : ends[key - 1], ends[key]);
  }

  /** The key of a text; -1 when it has none. */
  key(text: string): number {
    const length = this.#write(text);
    const { slots, starts, lengths } = this.#columns;
    const mask = slots.length - 1;
    for (let slot = hashBytes(this.#wanted, 0, length) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const key = slots[slot] - 1;
      if (lengths[key] === length && equalBytes(this.#bytes, starts[key], this.#wanted, 0, length)) return key;
    }
    return -1;
  }

  /** The text of a key. */
  textOf(key: number): string {
    const start = this.#columns.starts[key];
    return this.#bytes.toString('utf8', start, start + this.#columns.lengths[key]);
  }

  /** Writes a text where it is compared from, because a buffer for each costs more than looking it up. @returns its length in bytes. */
  #write(text: string): number {
    if (this.#wanted.length < text.length) this.#wanted = new Uint8Array(2 * text.length);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > LAST_ASCII) {
        this.#wanted = Buffer.from(text, 'utf8');
        return this.#wanted.length;
      }
      this.#wanted[at] = code;
    }
    return text.length;
  }

  /** Every text that some row has, in the order in which they were added. */
  *texts(): Generator<string> {
    for (let key = 0; key < this.#columns.starts.length; key++) yield this.textOf(key);
  }
}

/** The columns of a lookup as sections of a container, their names after `prefix`. */
export function lookupSections(prefix: string, columns: LookupColumns): Record<string, Section> {
  return Object.fromEntries(COLUMNS.map((column) => [`${prefix}.${column}`, columns[column]]));
}

/** The other way; undefined when a column is missing. */
export function lookupColumns(prefix: string, sections: Readonly<Record<string, Section>>): LookupColumns | undefined {
  const found: Partial<Record<keyof LookupColumns, Uint32Array>> = {};
  for (const column of COLUMNS) {
    const section = sections[`${prefix}.${column}`];
    if (!(section instanceof Uint32Array)) return undefined;
    found[column] = section;
  }
  return found as LookupColumns;
}

const COLUMNS = ['slots', 'starts', 'lengths', 'ends', 'rows'] as const;
