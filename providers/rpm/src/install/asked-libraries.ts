import type { LibraryNeeds } from './library-needs.js';

/** The shared libraries that programs cannot start without, as far as the files tell that were added. */
export class AskedLibraries {
  readonly #asked: Set<string>;
  /** What libraries need, by their names. */
  readonly #needs = new Map<string, Set<string>>();

  /** @param always names of libraries that have to be there whatever files tell. */
  constructor(always: readonly string[] = []) {
    this.#asked = new Set(always);
  }

  /** How many are known. */
  get size(): number {
    return this.#asked.size;
  }

  /** @param name as programs ask for it. */
  has(name: string): boolean {
    return this.#asked.has(name);
  }

  addProgram({ needed }: LibraryNeeds): void {
    this.#ask(needed);
  }

  /**
   * Adds a library, which counts when it is asked for, be it by the name of its file or by that which it says. A link is one that needs what it leads
   * to. Of several with one name, such as those for newer processors, each counts.
   */
  addLibrary(fileName: string, { name = fileName, needed }: LibraryNeeds): void {
    for (const each of new Set([fileName, name])) {
      const needs = this.#needs.get(each) ?? new Set();
      for (const other of needed) needs.add(other);
      this.#needs.set(each, needs);
      if (this.#asked.has(each)) this.#ask(needed);
    }
  }

  #ask(names: readonly string[]): void {
    const waiting = [...names];
    for (const name of waiting) {
      if (this.#asked.has(name)) continue;
      this.#asked.add(name);
      for (const other of this.#needs.get(name) ?? []) waiting.push(other);
    }
  }
}
