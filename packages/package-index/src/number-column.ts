/** Numbers of 32 bits without sign, one after the other, as many as come. */
export class NumberColumn {
  #numbers: Uint32Array<ArrayBuffer>;
  #length = 0;

  /** @param expected how many may come; more are no error. */
  constructor(expected = 1024) {
    this.#numbers = new Uint32Array(Math.max(16, expected));
  }

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Uint32Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.#length++] = number;
  }

  /** Forgets all numbers but the first `length`, and keeps their room. */
  cut(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  set(place: number, number: number): void {
    this.#numbers[place] = number;
  }

  at(place: number): number {
    return this.#numbers[place];
  }

  /** The numbers so far, a view: it does not follow what is pushed later. */
  get numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.#length);
  }
}
