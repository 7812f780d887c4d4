import { equalBytes, hashBytes, tableSize } from './byte-hash.js';

const NEWLINE = 0x0a;

/**
 * Texts one after the other, each ended by a newline. An interned text is stored once. Offset 0 holds an empty text, so that 0 can
 * stand for "none".
 */
export class TextHeap {
  #bytes: Buffer;
  #length = 1;
  /** Offset of an interned text by hash, 0 when the slot is free, and its hash. */
  #slots: Uint32Array<ArrayBuffer>;
  #hashes: Uint32Array<ArrayBuffer>;
  #count = 0;

  /**
   * @param capacity bytes to begin with.
   * @param expected how many texts may be interned; more are no error.
   */
  constructor(capacity = 1024, expected = 512) {
    this.#bytes = Buffer.alloc(Math.max(16, capacity));
    this.#bytes[0] = NEWLINE;
    this.#slots = new Uint32Array(tableSize(expected));
    this.#hashes = new Uint32Array(this.#slots.length);
  }

  /** The texts so far, a view. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The byte at an offset; a text ends with a newline. */
  byteAt(offset: number): number {
    return this.#bytes[offset];
  }

  /** The text at an offset. */
  textAt(offset: number): string {
    return this.#bytes.toString('utf8', offset, this.#bytes.indexOf(NEWLINE, offset));
  }

  /** Whether the text at an offset is `bytes[from..to)`. */
  holds(offset: number, bytes: Uint8Array, from: number, to: number): boolean {
    return this.#bytes[offset + to - from] === NEWLINE && equalBytes(this.#bytes, offset, bytes, from, to - from);
  }

  /** Appends `bytes[from..to)`. @returns its offset. */
  append(bytes: Uint8Array, from: number, to: number): number {
    const needed = this.#length + to - from + 1;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    const offset = this.#length;
    const heap = this.#bytes;
    // For texts as short as these a view costs more than it saves.
    for (let at = from, target = offset; at < to; at++, target++) heap[target] = bytes[at];
    this.#bytes[needed - 1] = NEWLINE;
    this.#length = needed;
    return offset;
  }

  /** Like {@link append}, but equal texts share one place. */
  intern(bytes: Uint8Array, from: number, to: number): number {
    if (2 * this.#count >= this.#slots.length) this.#grow();
    const hash = hashBytes(bytes, from, to);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const offset = this.#slots[slot];
      if (offset === 0) {
        this.#count++;
        this.#hashes[slot] = hash;
        return (this.#slots[slot] = this.append(bytes, from, to));
      }
      if (this.#hashes[slot] === hash && this.holds(offset, bytes, from, to)) return offset;
    }
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Uint32Array(slots.length * 2);
    this.#hashes = new Uint32Array(slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let old = 0; old < slots.length; old++) {
      if (slots[old] === 0) continue;
      let slot = hashes[old] & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = slots[old];
      this.#hashes[slot] = hashes[old];
    }
  }
}
