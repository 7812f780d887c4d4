import { FIELD } from './primary-columns.js';

/** Columns of what tells packages apart. */
const SAME: readonly number[] = [FIELD.name, FIELD.version, FIELD.release, FIELD.arch, FIELD.epoch];
const FIRST_SLOTS = 1 << 8;

/**
 * Finds rows of packages by name, version and architecture. Equal texts have one offset, so that offsets are compared, and the time that a
 * package takes is the same however many versions of it there are.
 */
export class PackageRows {
  readonly #fieldOf: (row: number, column: number) => number;
  /** Row + 1 by hash, or 0. */
  #slots = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  /** @param fieldOf the offset of a text of a row that was noted. */
  constructor(fieldOf: (row: number, column: number) => number) {
    this.#fieldOf = fieldOf;
  }

  /**
   * @param fields offsets of a package by column.
   * @returns the row that has this package; undefined when none has, and then the next row is noted for it: rows come as 0, 1, 2.
   */
  known(fields: Uint32Array): number | undefined {
    if (2 * this.#count >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    let hash = 0;
    for (const column of SAME) hash = mixed(hash, fields[column]!);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0) {
        this.#slots[slot] = ++this.#count;
        return undefined;
      }
      if (this.#isSame(row, fields)) return row;
    }
  }

  #isSame(row: number, fields: Uint32Array): boolean {
    for (const column of SAME) if (fields[column] !== this.#fieldOf(row, column)) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let row = 0; row < this.#count; row++) {
      let hash = 0;
      for (const column of SAME) hash = mixed(hash, this.#fieldOf(row, column));
      let slot = hash & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = row + 1;
    }
  }
}

/** A hash, and a number more. */
function mixed(hash: number, number: number): number {
  const next = Math.imul(hash ^ number, 0x9e3779b1);
  return next ^ (next >>> 15);
}
