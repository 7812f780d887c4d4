import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { alignedBuffer } from '@ict/integrity';

/** Bytes of one read, and of a piece. Measured: a byte takes up to four times as long in reads of 512 KiB and more. */
export const READ_BYTES = 256 * 1024;

/** Memory that {@link PositionedFile} can read into past the page cache: always the same, made at first use. */
export function createReadMemory(): () => Buffer {
  let memory: Buffer | undefined;
  return () => (memory ??= alignedBuffer(READ_BYTES));
}

/** An open file, read synchronously at multiples of {@link READ_BYTES}: for worker threads. */
export class PositionedFile implements Disposable {
  /** Size at opening. */
  readonly sizeBytes: number;
  /** Whether the file system keeps fewer bytes than the file has: the rest are holes. */
  readonly hasHoles: boolean;
  readonly #descriptor: number;
  readonly #direct: number | undefined;
  readonly #buffer: Buffer;

  /** @param buffer from {@link createReadMemory}; what is read lies in it until the next read. @throws Node's own error. */
  constructor(file: string, buffer: Buffer) {
    this.#buffer = buffer;
    this.#descriptor = openSync(file, 'r');
    const { size, blocks } = fstatSync(this.#descriptor);
    this.sizeBytes = size;
    this.hasHoles = blocks * 512 < size;
    this.#direct = this.hasHoles ? openDirect(file) : undefined;
  }

  /**
   * The bytes at `position`, at most {@link READ_BYTES}; fewer when the file ends.
   *
   * @param past read past the page cache, where the file system can: reading a hole through it fills memory with zeros, which takes longer
   *   than all else that happens to them.
   * @throws Node's own error.
   */
  read(position: number, past: boolean): Buffer {
    if (past && this.#direct !== undefined && tryRead(this.#direct, this.#buffer, position) === READ_BYTES) return this.#buffer;
    let done = 0;
    while (done < READ_BYTES) {
      const count = readSync(this.#descriptor, this.#buffer, done, READ_BYTES - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return this.#buffer.subarray(0, done);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
    if (this.#direct !== undefined) closeSync(this.#direct);
  }
}

/** @returns undefined when the file system has no direct reads (as tmpfs of older kernels). */
function openDirect(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_DIRECT);
  } catch {
    // The page cache serves as well, only slower.
    return undefined;
  }
}

function tryRead(descriptor: number, buffer: Buffer, position: number): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, position);
  } catch {
    // A refusal (alignment, an unusual file system) only means that the piece is read through the cache.
    return 0;
  }
}
