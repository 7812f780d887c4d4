import { equalBytes, hashBytes, tableSize } from './byte-hash.js';

/** Different texts by number, as plain columns. */
export interface KeyColumns {
  /** By hash: key + 1, or 0. */
  readonly slots: Uint32Array;
  /** By key: where its text begins, and its length in bytes. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

/** Bytes that a copied text may have; more are no error. */
const TEXT_BYTES = 24;

/**
 * Numbers texts from 0, equal ones alike: a hash table over slices of bytes. They lie where they are, or are copied, so that what they were read from may
 * go.
 */
export class TextKeys {
  #bytes: Buffer;
  /** Bytes of copied texts; undefined when the texts lie where they are. */
  #copied: number | undefined;
  #slots: Uint32Array<ArrayBuffer>;
  #starts: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  #size = 0;

  /**
   * @param bytes where the texts lie; undefined when they are to be copied.
   * @param expected how many texts there may be; more are no error.
   */
  constructor(bytes: Uint8Array | undefined, expected = 1024) {
    const room = Math.max(16, expected);
    this.#bytes = bytes === undefined ? Buffer.alloc(TEXT_BYTES * room) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#copied = bytes === undefined ? 0 : undefined;
    this.#slots = new Uint32Array(tableSize(room));
    this.#starts = new Uint32Array(room);
    this.#lengths = new Uint32Array(room);
  }

  /** Number of different texts so far. */
  get size(): number {
    return this.#size;
  }

  /** Where the texts lie; a view of those that were copied so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#copied);
  }

  /** The number of the text at `[from, to)` of `source`: the next one when it is new. Texts that are not copied lie where the others do. */
  keyOf(from: number, to: number, source: Uint8Array = this.#bytes): number {
    if (2 * this.#size >= this.#slots.length) this.#rehash();
    const length = to - from;
    const mask = this.#slots.length - 1;
    for (let slot = hashBytes(source, from, to) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#slots[slot] - 1;
      if (key < 0) {
        this.#slots[slot] = this.#size + 1;
        return this.#add(from, length, source);
      }
      if (this.#lengths[key] === length && equalBytes(this.#bytes, this.#starts[key], source, from, length)) return key;
    }
  }

  /** A text by its number. */
  text(key: number): string {
    return this.textAt(this.#starts[key], this.#lengths[key]);
  }

  /** Where the text of a number lies. */
  start(key: number): number {
    return this.#starts[key];
  }

  /** A part of the texts. */
  textAt(start: number, length: number): string {
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** The texts so far. */
  columns(): KeyColumns {
    return { slots: this.#slots, starts: this.#starts.slice(0, this.#size), lengths: this.#lengths.slice(0, this.#size) };
  }

  #add(from: number, length: number, source: Uint8Array): number {
    if (this.#size === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#lengths = grown(this.#lengths);
    }
    this.#starts[this.#size] = this.#copied === undefined ? from : this.#copy(from, length, source);
    this.#lengths[this.#size] = length;
    return this.#size++;
  }

  /** @returns where the text lies now. */
  #copy(from: number, length: number, source: Uint8Array): number {
    const start = this.#copied!;
    if (start + length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(start + length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    for (let at = 0; at < length; at++) this.#bytes[start + at] = source[from + at];
    this.#copied = start + length;
    return start;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let key = 0; key < this.#size; key++) {
      let slot = hashBytes(this.#bytes, this.#starts[key], this.#starts[key] + this.#lengths[key]) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = key + 1;
    }
  }
}

/** The same numbers with as much room again behind them. */
export function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
