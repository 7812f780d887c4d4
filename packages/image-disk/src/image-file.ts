import { closeSync, openSync, writeSync } from 'node:fs';

/** Written at a time. */
const PIECE_BYTES = 1024 * 1024;

/** A block with its content. */
export interface WrittenBlock {
  readonly at: number;
  readonly bytes: Buffer;
}

/** A filesystem inside a disk image, written in blocks; those that follow each other go in one write. */
export class ImageFile implements Disposable {
  readonly #file: number;
  readonly #offsetBytes: number;
  readonly #blockBytes: number;
  readonly #waiting = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #position = 0;
  #filled = 0;

  constructor(path: string, offsetBytes: number, blockBytes: number) {
    this.#file = openSync(path, 'r+');
    this.#offsetBytes = offsetBytes;
    this.#blockBytes = blockBytes;
  }

  /** Writes whole blocks from block `at` on. */
  write(at: number, bytes: Buffer): void {
    const position = this.#offsetBytes + at * this.#blockBytes;
    if (position !== this.#position + this.#filled || this.#filled + bytes.length > PIECE_BYTES) this.flush();
    if (bytes.length > PIECE_BYTES) return this.#writeAll(bytes, position);
    if (this.#filled === 0) this.#position = position;
    bytes.copy(this.#waiting, this.#filled);
    this.#filled += bytes.length;
  }

  /** Writes what is waiting for more. */
  flush(): void {
    this.#writeAll(this.#waiting.subarray(0, this.#filled), this.#position);
    this.#filled = 0;
  }

  #writeAll(bytes: Buffer, position: number): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done, bytes.length - done, position + done);
  }

  /** Closes the file; what was not flushed is lost. */
  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
