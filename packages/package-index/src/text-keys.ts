import { equalBytes, hashBytes, tableSize } from './byte-hash.js';

/** Different texts by number, as plain columns. */
export interface KeyColumns {
  /** By hash: key + 1, or 0. */
  readonly slots: Uint32Array;
  /** By key: where its text begins, and its length in bytes. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
}

/** Numbers texts from 0, equal ones alike: a hash table over slices of bytes, which lie where they are. */
export class TextKeys {
  readonly #bytes: Buffer;
  #slots: Uint32Array<ArrayBuffer>;
  #starts: Uint32Array<ArrayBuffer>;
  #lengths: Uint32Array<ArrayBuffer>;
  #size = 0;

  /**
   * @param bytes where the texts lie.
   * @param expected how many texts there may be; more are no error.
   */
  constructor(bytes: Uint8Array, expected = 1024) {
    const room = Math.max(16, expected);
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#slots = new Uint32Array(tableSize(room));
    this.#starts = new Uint32Array(room);
    this.#lengths = new Uint32Array(room);
  }

  /** Number of different texts so far. */
  get size(): number {
    return this.#size;
  }

  /** The number of the text at `[from, to)`: the next one when it is new. */
  keyOf(from: number, to: number): number {
    const bytes = this.#bytes;
    if (2 * this.#size >= this.#slots.length) this.#rehash();
    const length = to - from;
    const mask = this.#slots.length - 1;
    for (let slot = hashBytes(bytes, from, to) & mask; ; slot = (slot + 1) & mask) {
      const key = this.#slots[slot] - 1;
      if (key < 0) {
        this.#slots[slot] = this.#size + 1;
        return this.#add(from, length);
      }
      if (this.#lengths[key] === length && equalBytes(bytes, this.#starts[key], bytes, from, length)) return key;
    }
  }

  /** The texts so far. */
  columns(): KeyColumns {
    return { slots: this.#slots, starts: this.#starts.slice(0, this.#size), lengths: this.#lengths.slice(0, this.#size) };
  }

  #add(from: number, length: number): number {
    if (this.#size === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#lengths = grown(this.#lengths);
    }
    this.#starts[this.#size] = from;
    this.#lengths[this.#size] = length;
    return this.#size++;
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
