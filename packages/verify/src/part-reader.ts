import { closeSync, openSync, readSync } from 'node:fs';
import type { FileRange } from '@ict/plugin-api';

/** Gives the bytes of a part of a file, in pieces of which each is valid until the next. */
export type RangeReader = (range: FileRange) => Iterable<Uint8Array>;

/**
 * Reads parts of files for one task, which may want several digests of one part: each file is opened once, and a part that fits into `memory` is read
 * once, and kept. All else is read into `memory`, piece by piece: pages of new memory take nearly as long as to digest what is read into them.
 */
export class PartReader implements Disposable {
  readonly #memory: Buffer;
  readonly #descriptors = new Map<string, number>();
  readonly #kept = new Map<string, Uint8Array>();

  constructor(memory: Buffer) {
    this.#memory = memory;
  }

  /** Bytes of a part; fewer when the file ends. It throws Node's own error for a file that cannot be read. */
  readonly read: RangeReader = (range) => (range.sizeBytes > this.#memory.length ? this.#pieces(range) : [this.#whole(range)]);

  #whole({ file, offset, sizeBytes }: FileRange): Uint8Array {
    const name = `${offset} ${sizeBytes} ${file}`;
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const bytes = Buffer.allocUnsafe(sizeBytes);
    const part = bytes.subarray(0, fill(this.#open(file), bytes, offset));
    this.#kept.set(name, part);
    return part;
  }

  *#pieces({ file, offset, sizeBytes }: FileRange): Generator<Uint8Array, void, undefined> {
    const descriptor = this.#open(file);
    for (let done = 0; done < sizeBytes; ) {
      const wanted = this.#memory.subarray(0, Math.min(this.#memory.length, sizeBytes - done));
      const count = fill(descriptor, wanted, offset + done);
      yield wanted.subarray(0, count);
      if (count < wanted.length) return;
      done += count;
    }
  }

  #open(file: string): number {
    const descriptor = this.#descriptors.get(file) ?? openSync(file, 'r');
    this.#descriptors.set(file, descriptor);
    return descriptor;
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
  }
}

/** Fills memory with the bytes from `position` on. @returns how many there were. */
function fill(descriptor: number, memory: Buffer, position: number): number {
  let done = 0;
  while (done < memory.length) {
    const count = readSync(descriptor, memory, done, memory.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
