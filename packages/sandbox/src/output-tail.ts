/** Keeps the last bytes of a stream that may be far larger. */
export class OutputTail {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    // Whole chunks in front of the limit go; the cut inside the oldest one happens once, in text().
    while (this.#chunks.length > 1 && this.#sizeBytes - (this.#chunks[0] as Buffer).length >= this.#limitBytes) {
      this.#sizeBytes -= (this.#chunks.shift() as Buffer).length;
    }
  }

  /** The tail as text; a character that the cut splits is left out. */
  text(): string {
    const all = Buffer.concat(this.#chunks);
    let start = Math.max(0, all.length - this.#limitBytes);
    if (start > 0) while (start < all.length && ((all[start] as number) & 0xc0) === 0x80) start++;
    return all.toString('utf8', start);
  }
}
