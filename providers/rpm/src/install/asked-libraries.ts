import type { LibraryNeeds } from './library-needs.js';

/** The shared libraries that programs cannot start without, as far as the files tell that were added. */
export class AskedLibraries {
  readonly #asked: Set<string>;
  /** What libraries need, by their names. */
  readonly #needs = new Map<string, readonly string[]>();

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
    for (const name of needed) this.#ask(name);
  }

  /**
   * Adds a library, which counts when it is asked for.
   *
   * @param fileName its name when it does not say one.
   */
  addLibrary(fileName: string, { name = fileName, needed }: LibraryNeeds): void {
    this.#needs.set(name, needed);
    if (this.#asked.has(name)) for (const other of needed) this.#ask(other);
  }

  #ask(name: string): void {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    for (const other of this.#needs.get(name) ?? []) this.#ask(other);
  }
}
