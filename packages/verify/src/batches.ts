interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gives items to a work in batches, a number of batches at a time. An item goes at once while fewer are under way; those that come later wait, in
 * their order, and go together: to wake a thread for each takes longer than to tell it of several.
 */
export class Batches<Item, Result> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #limit: number;
  readonly #waiting: Waiting<Item, Result>[] = [];
  #running = 0;

  /**
   * @param work gives a result for each item, in their order; when it fails, all of its batch do.
   * @param limit of batches at a time; at least 1.
   */
  constructor(work: (items: readonly Item[]) => Promise<readonly Result[]>, limit: number) {
    this.#work = work;
    this.#limit = limit;
  }

  /** @returns what the work gave for the item. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#running < this.#limit) void this.#runNext();
    });
  }

  /** Never rejects. */
  async #runNext(): Promise<void> {
    const batch = this.#waiting.splice(0, Math.ceil(this.#waiting.length / this.#limit));
    this.#running++;
    try {
      const results = await this.#work(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#running--;
    if (this.#waiting.length > 0) void this.#runNext();
  }
}
