import { equalBytes, hashBytes, tableSize } from './byte-hash.js';
import type { Section } from './container-sections.js';

/** A lookup as plain columns, for a container. */
export interface LookupColumns {
  /** By hash: key + 1, or 0. */
  readonly slots: Uint32Array;
  /** By key: where its text begins, and its length in bytes. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  /** By key: the end of its run in `rows`; it begins where that of the key before ends. */
  readonly ends: Uint32Array;
  readonly rows: Uint32Array;
}

const NO_ROWS = new Uint32Array(0);

/** Gathers texts and the rows that have them. */
export class TextLookupBuilder {
  readonly #bytes: Uint8Array;
  #slots: Uint32Array<ArrayBuffer>;
  #starts: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  #keys = 0;
  /** Pairs of key and row. */
  #pairs: Uint32Array<ArrayBuffer>;
  #pairCount = 0;

  /**
   * @param bytes where the texts lie.
   * @param expected how many texts there may be; more are no error.
   */
  constructor(bytes: Uint8Array, expected = 1024) {
    const room = Math.max(16, expected);
    this.#bytes = bytes;
    this.#slots = new Uint32Array(tableSize(room));
    this.#starts = new Uint32Array(room);
    this.#lengths = new Uint32Array(room);
    this.#pairs = new Uint32Array(2 * room);
  }

  /** Says that `row` has the text at `[from, to)`. Rows come in ascending order; a row that is given twice counts once. */
  add(from: number, to: number, row: number): void {
    if (2 * this.#pairCount + 2 > this.#pairs.length) this.#pairs = grown(this.#pairs);
    this.#pairs[2 * this.#pairCount] = this.#keyOf(from, to);
    this.#pairs[2 * this.#pairCount + 1] = row;
    this.#pairCount++;
  }

  build(): LookupColumns {
    const ends = new Uint32Array(this.#keys);
    const rows = new Uint32Array(this.#pairCount);
    const last = new Int32Array(this.#keys).fill(-1);
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const key = this.#pairs[2 * pair];
      const row = this.#pairs[2 * pair + 1];
      if (last[key] !== row) ends[key]++;
      last[key] = row;
    }
    for (let key = 1; key < ends.length; key++) ends[key] += ends[key - 1];
    const next = new Uint32Array(this.#keys);
    for (let key = 1; key < next.length; key++) next[key] = ends[key - 1];
    last.fill(-1);
    for (let pair = 0; pair < this.#pairCount; pair++) {
      const key = this.#pairs[2 * pair];
      const row = this.#pairs[2 * pair + 1];
      if (last[key] !== row) rows[next[key]++] = row;
      last[key] = row;
    }
    return {
      slots: this.#slots,
      starts: this.#starts.slice(0, this.#keys),
      lengths: this.#lengths.slice(0, this.#keys),
      ends,
      rows: rows.slice(0, ends.at(-1) ?? 0),
    };
  }

  #keyOf(from: number, to: number): number {
    if (2 * this.#keys >= this.#slots.length) this.#rehash();
    const length = to - from;
    const mask = this.#slots.length - 1;
    for (let slot = hashBytes(this.#bytes, from, to) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#slots[slot] - 1;
      if (key < 0) {
        if (this.#keys === this.#starts.length) {
          this.#starts = grown(this.#starts);
          this.#lengths = grown(this.#lengths);
        }
        this.#starts[this.#keys] = from;
        this.#lengths[this.#keys] = length;
        this.#slots[slot] = ++this.#keys;
        return this.#keys - 1;
      }
      if (this.#lengths[key] === length && equalBytes(this.#bytes, this.#starts[key], this.#bytes, from, length)) return key;
    }
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let key = 0; key < this.#keys; key++) {
      let slot = hashBytes(this.#bytes, this.#starts[key], this.#starts[key] + this.#lengths[key]) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = key + 1;
    }
  }
}

/** Finds rows by a text, without a string for any text that is not asked for. */
export class TextLookup {
  readonly #bytes: Uint8Array;
  readonly #columns: LookupColumns;

  /** @param bytes where the texts of the columns lie. */
  constructor(bytes: Uint8Array, columns: LookupColumns) {
    this.#bytes = bytes;
    this.#columns = columns;
  }

  /** Rows that have a text, ascending; a view. */
  find(text: string): Uint32Array {
    const { slots, starts, lengths, ends, rows } = this.#columns;
    const wanted = Buffer.from(text, 'utf8');
    const mask = slots.length - 1;
    for (let slot = hashBytes(wanted, 0, wanted.length) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const key = slots[slot] - 1;
      if (lengths[key] !== wanted.length || !equalBytes(this.#bytes, starts[key], wanted, 0, wanted.length)) continue;
      return rows.subarray(key === 0 ? 0 : ends[key - 1], ends[key]);
    }
    return NO_ROWS;
  }

  /** Every text that some row has, in the order in which they were added. */
  *texts(): Generator<string> {
    const { starts, lengths } = this.#columns;
    const bytes = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    for (let key = 0; key < starts.length; key++) yield bytes.toString('utf8', starts[key], starts[key] + lengths[key]);
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

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
