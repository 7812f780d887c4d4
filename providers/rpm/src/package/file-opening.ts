import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteRange } from './package.js';

/** The headers of nine packages of ten end before this. */
const OPENING_BYTES = 32 * 1024;

/**
 * An open file of which mostly the beginning is wanted. It is read synchronously: waiting for another thread takes several times as long as
 * to copy some kilobytes that have just been fetched.
 */
export class FileOpening implements Disposable {
  readonly sizeBytes: number;
  readonly #descriptor: number;
  readonly #opening: Buffer;

  /** @throws Node's own error. */
  constructor(file: string) {
    // A pipe is opened at once and found empty; it would wait for a writer else.
    this.#descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      this.sizeBytes = fstatSync(this.#descriptor).size;
      this.#opening = this.#read({ offset: 0, sizeBytes: Math.min(OPENING_BYTES, this.sizeBytes) });
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  /** The bytes of a part; fewer only at the end of the file. @throws Node's own error. */
  read(range: ByteRange): Buffer {
    const end = range.offset + range.sizeBytes;
    return end <= this.#opening.length ? this.#opening.subarray(range.offset, end) : this.#read(range);
  }

  #read({ offset, sizeBytes }: ByteRange): Buffer {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const count = readSync(this.#descriptor, bytes, filled, sizeBytes - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
