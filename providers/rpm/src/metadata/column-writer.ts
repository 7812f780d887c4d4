import { NumberColumn, TextHeap, TextLookupBuilder } from '@ict/package-index';
import type { LookupColumns } from '@ict/package-index';
import { FIELD, FIELD_COUNT, FILES, LIST_COUNT, OBSOLETES, PROVIDES, RELATION_WIDTH } from './primary-columns.js';
import type { IndexDiagnostic, PrimaryColumns } from './primary-columns.js';

const NEWLINE = 0x0a;
const FIRST_SLOTS = 1 << 8;

/** Gathers the packages of a repository as columns. */
export class ColumnWriter {
  readonly heap = new TextHeap(1 << 12, 1 << 8);
  readonly #fields = new NumberColumn();
  readonly #relations = new NumberColumn();
  readonly #ends = new NumberColumn();
  readonly #items = new NumberColumn();
  /** Place of a relation + 1 by hash, or 0. */
  #slots = new Uint32Array(FIRST_SLOTS);

  /** @returns the place of a relation of these texts; equal ones share it. */
  relation(name: number, sense: number, epoch: number, version: number, release: number): number {
    const relations = this.#relations;
    if (2 * relations.length >= RELATION_WIDTH * this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(name, sense, version, release) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot]! - 1;
      if (place < 0) {
        const added = relations.length / RELATION_WIDTH;
        relations.push(name);
        relations.push(sense);
        relations.push(epoch);
        relations.push(version);
        relations.push(release);
        this.#slots[slot] = added + 1;
        return added;
      }
      const at = place * RELATION_WIDTH;
      if (
        relations.at(at) === name &&
        relations.at(at + 1) === sense &&
        relations.at(at + 2) === epoch &&
        relations.at(at + 3) === version &&
        relations.at(at + 4) === release
      ) {
        return place;
      }
    }
  }

  /**
   * Adds a package.
   *
   * @param fields offsets by column.
   * @param lists items of each list, by its number.
   */
  add(fields: Uint32Array, lists: readonly NumberColumn[]): void {
    for (const offset of fields) this.#fields.push(offset);
    for (const list of lists) {
      for (let place = 0; place < list.length; place++) this.#items.push(list.at(place));
      this.#ends.push(this.#items.length);
    }
  }

  /** The offset of a text of a package that was added. */
  field(row: number, column: number): number {
    return this.#fields.at(row * FIELD_COUNT + column);
  }

  finish(diagnostics: readonly IndexDiagnostic[]): PrimaryColumns {
    const { bytes } = this.heap;
    return {
      bytes,
      fields: this.#fields.numbers,
      relations: this.#relations.numbers,
      ends: this.#ends.numbers,
      items: this.#items.numbers,
      names: this.#byName(bytes),
      provides: this.#byItems(bytes, PROVIDES, FILES),
      obsoletes: this.#byItems(bytes, OBSOLETES),
      diagnostics,
    };
  }

  #byName(bytes: Uint8Array): LookupColumns {
    const count = this.#fields.length / FIELD_COUNT;
    const builder = new TextLookupBuilder(bytes, count);
    for (let row = 0; row < count; row++) {
      const from = this.#fields.at(row * FIELD_COUNT + FIELD.name);
      builder.add(from, endOf(bytes, from), row);
    }
    return builder.build();
  }

  /** Rows by the names of the relations in some lists, and by the paths of files. */
  #byItems(bytes: Uint8Array, ...lists: readonly number[]): LookupColumns {
    const [ends, items, relations] = [this.#ends.numbers, this.#items.numbers, this.#relations.numbers];
    const builder = new TextLookupBuilder(bytes, ends.length / LIST_COUNT);
    // By offset of a name, which is the same for equal ones: to find a key by a text takes longer.
    const keys = new Map<number, number>();
    const keyOf = (name: number): number => {
      const known = keys.get(name);
      if (known !== undefined) return known;
      const key = builder.key(name, endOf(bytes, name));
      keys.set(name, key);
      return key;
    };
    for (let row = 0, first = 0; first < ends.length; row++, first += LIST_COUNT) {
      for (const list of lists) {
        const at = first + list;
        for (let place = at === 0 ? 0 : ends[at - 1]!; place < ends[at]!; place++) {
          const item = items[place]!;
          if (list === FILES) builder.add(item, endOf(bytes, item), row);
          else builder.addKey(keyOf(relations[item * RELATION_WIDTH]!), row);
        }
      }
    }
    return builder.build();
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    const relations = this.#relations;
    for (let place = 0, at = 0; at < relations.length; place++, at += RELATION_WIDTH) {
      let slot = hashOf(relations.at(at), relations.at(at + 1), relations.at(at + 3), relations.at(at + 4)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = place + 1;
    }
  }
}

function hashOf(name: number, sense: number, version: number, release: number): number {
  const mixed = Math.imul(Math.imul(name ^ Math.imul(version, 0x9e3779b1), 0x85ebca6b) ^ release ^ sense, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** Where a text of the heap ends. */
export function endOf(bytes: Uint8Array, from: number): number {
  let end = from;
  while (bytes[end] !== NEWLINE) end++;
  return end;
}
