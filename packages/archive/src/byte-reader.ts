const EMPTY = Buffer.alloc(0);

/** Reads exact amounts out of an iterable whose chunks fall anywhere. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Buffer = EMPTY;
  #at = 0;
  #ended = false;
  #offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Bytes handed out or skipped so far. */
  get offset(): number {
    return this.#offset;
  }

  /** The next `count` bytes when the current chunk has them all: spares a promise for most headers. */
  take(count: number): Buffer | undefined {
    return this.#chunk.length - this.#at >= count ? this.#advance(count) : undefined;
  }

  /** The next `count` bytes, fewer only when the source ends. The result may share memory with the source's chunk. */
  async read(count: number): Promise<Buffer> {
    const whole = this.take(count);
    if (whole !== undefined) return whole;
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      const part = await this.some(missing);
      if (part === undefined) break;
      missing -= part.length;
      // A copy of all but the last: the source may use a chunk's memory again for the next.
      parts.push(missing === 0 ? part : Buffer.from(part));
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** The next `count` bytes, fewer only when the source ends; they stay to be read. */
  async peek(count: number): Promise<Buffer> {
    const end = this.#at + count;
    if (end <= this.#chunk.length) return this.#chunk.subarray(this.#at, end);
    const bytes = Buffer.from(await this.read(count));
    this.#chunk = Buffer.concat([bytes, this.#chunk.subarray(this.#at)]);
    this.#at = 0;
    this.#offset -= bytes.length;
    return bytes;
  }

  /** Takes back the last bytes of what {@link some} handed out last. */
  unread(count: number): void {
    if (count > this.#at) throw new RangeError(`${count} bytes are taken back, and ${this.#at} were handed out`);
    this.#at -= count;
    this.#offset -= count;
  }

  /** At least one and at most `max` bytes, or undefined at the end of the source. */
  async some(max: number): Promise<Buffer | undefined> {
    while (this.#at === this.#chunk.length) {
      if (this.#ended) return undefined;
      const next = await this.#iterator.next();
      if (next.done === true) {
        this.#ended = true;
        this.#chunk = EMPTY;
        this.#at = 0;
        return undefined;
      }
      const { value } = next;
      this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      this.#at = 0;
    }
    return this.#advance(Math.min(max, this.#chunk.length - this.#at));
  }

  /** Passes over `count` bytes. @returns how many there were; fewer only when the source ends. */
  async skip(count: number): Promise<number> {
    let skipped = 0;
    while (skipped < count) {
      const part = await this.some(count - skipped);
      if (part === undefined) break;
      skipped += part.length;
    }
    return skipped;
  }

  /** Tells the source that nothing more will be read. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunk = EMPTY;
    this.#at = 0;
    await this.#iterator.return?.();
  }

  #advance(count: number): Buffer {
    const part = this.#chunk.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.#offset += count;
    return part;
  }
}
