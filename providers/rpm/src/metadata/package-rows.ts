import { FIELD } from './primary-columns.js';
import type { PrimaryField } from './primary-columns.js';

/** What tells packages apart. */
const SAME: readonly PrimaryField[] = ['name', 'version', 'release', 'arch', 'epoch'];
const FIRST_SLOTS = 1 << 8;

/**
 * Finds rows of packages by name, version and architecture. Equal texts have one offset, so that offsets are compared, and the time that a
 * package takes is the same however many versions of it there are.
 */
export class PackageRows {
  readonly #fieldOf: (row: number, field: PrimaryField) => number;
  /** Row + 1 by hash, or 0. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** @param fieldOf the offset of a text of a row that was noted. */
  constructor(fieldOf: (row: number, field: PrimaryField) => number) {
    this.#fieldOf = fieldOf;
  }

  /**
   * @param fields offsets of a package by column.
   * @returns the row that has this package; undefined when none has, and then the next row is noted for it: rows come as 0, 1, 2.
   */
  known(fields: Uint32Array): number | undefined {
    if (2 * this.#count >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    const own = (field: PrimaryField): number => fields[FIELD[field]]!;
    for (let slot = hashOf(own) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0) {
        this.#slots[slot] = ++this.#count;
        return undefined;
      }
      if (SAME.every((field) => own(field) === this.#fieldOf(row, field))) return row;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let row = 0; row < this.#count; row++) {
      let slot = hashOf((field) => this.#fieldOf(row, field)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = row + 1;
    }
  }
}

function hashOf(offsetOf: (field: PrimaryField) => number): number {
  let mixed = 0;
  for (const field of SAME) {
    mixed = Math.imul(mixed ^ offsetOf(field), 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}
