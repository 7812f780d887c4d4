import type { IndexDirectory } from './index-directory.js';
import type { IndexStore } from './index-store.js';
import type { IndexText } from './index-text.js';

/** The stanzas of an index in a store, each read when something of it is first asked for. */
export class StanzaValues {
  readonly #text: IndexText;
  readonly #directory: IndexDirectory;
  #store: IndexStore;
  #handle: number | undefined = undefined;

  constructor(directory: IndexDirectory, text: IndexText, store: IndexStore) {
    this.#text = text;
    this.#directory = directory;
    this.#store = store;
  }

  get store(): IndexStore {
    return this.#store;
  }

  /** Reads into another store from now on. Numbers of relations and names that the former gave mean nothing any more. */
  moveTo(store: IndexStore): void {
    this.#store = store;
    this.#handle = undefined;
  }

  /** How the store's module calls the index. */
  get handle(): number {
    return (this.#handle ??= this.#store.enlist(this.#directory, this.#text));
  }

  /** The value of a field, without surrounding white space; undefined when the package has no such field. */
  value(row: number, column: number): string | undefined {
    const start = this.#store.module.valueOf(this.handle, row, column) >>> 0;
    return start === 0 ? undefined : this.#store.text(start, (this.#store.module.valueEnd(start) >>> 0) - start);
  }

  /** The list of groups of a relation field, by its place among those that are kept as numbers: see `listOf` of assembly/stanzas.ts. */
  list(row: number, place: number): number {
    return this.#store.module.listOf(this.handle, row, place) >>> 0;
  }

  /** Forgets all stanzas: their room is used again. */
  release(): void {
    if (this.#handle !== undefined) this.#store.module.forget(this.#handle);
  }
}
