import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { BlockExtent, PackTarget, Packing } from '@ict/plugin-api';

/** A file whose content is packed. */
export interface PackedFile {
  /** Absolute path; a link there is not followed. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Written at a time: many small files share one write, which is what makes packing quick. */
const PIECE_BYTES = 1024 * 1024;
/** Bytes that are packed before the event loop gets its turn: some hundredths of a second. */
const BYTES_OF_A_TURN = 16 * 1024 * 1024;

/**
 * Writes the contents of files, one after another, into free blocks of an existing file, without their blocks of zeros.
 *
 * Memory for one megabyte is all that it takes. Reads and writes are synchronous: a small file takes less time than a trip through the
 * thread pool.
 *
 * @returns where each file went; when the free blocks do not suffice, how many would, and what was written then means nothing.
 * @throws Node's own error when a file cannot be read or written; RangeError when one ends before its size; the signal's reason.
 */
export async function packFiles(files: readonly PackedFile[], target: PackTarget, signal: AbortSignal): Promise<Packing> {
  const output = openSync(target.file, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    const packer = new BlockPacker(output, target);
    const extents: (readonly BlockExtent[])[] = [];
    let turn = 0;
    for (const file of files) {
      extents.push(await packer.add(file, signal));
      turn += file.sizeBytes;
      if (turn < BYTES_OF_A_TURN) continue;
      turn = 0;
      await giveTurn(signal);
    }
    packer.flush();
    return packer.blocks > packer.room ? { kind: 'full', blocks: packer.blocks } : { kind: 'packed', extents };
  } finally {
    closeSync(output);
  }
}

async function giveTurn(signal: AbortSignal): Promise<void> {
  await setImmediate();
  signal.throwIfAborted();
}

class BlockPacker {
  readonly #output: number;
  readonly #target: PackTarget;
  readonly #buffer: Buffer;
  readonly #zeros: Buffer;
  /** Bytes of the buffer that are waiting to be written, whole blocks. */
  #filled = 0;
  /** Index of the free range that is being filled, and the block of it that the buffer starts at. */
  #range = 0;
  #at: number;
  /** Blocks that contents took so far, those that no free block was left for included. */
  blocks = 0;
  readonly room: number;

  constructor(output: number, target: PackTarget) {
    this.#output = output;
    this.#target = target;
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(target.blockBytes, PIECE_BYTES - (PIECE_BYTES % target.blockBytes)));
    this.#zeros = Buffer.alloc(target.blockBytes);
    this.#at = target.free[0]?.at ?? 0;
    this.room = target.free.reduce((sum, { count }) => sum + count, 0);
  }

  async add({ path, sizeBytes }: PackedFile, signal: AbortSignal): Promise<readonly BlockExtent[]> {
    const extents: { first: number; at: number; count: number }[] = [];
    if (sizeBytes === 0) return extents;
    const input = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      for (let done = 0, turn = 0; done < sizeBytes; ) {
        const bytes = Math.min(sizeBytes - done, this.#space());
        this.#fill(input, path, bytes);
        this.#keep(done / this.#target.blockBytes, bytes, extents);
        done += bytes;
        if (done - turn < BYTES_OF_A_TURN) continue;
        turn = done;
        await giveTurn(signal);
      }
    } finally {
      closeSync(input);
    }
    return extents;
  }

  /** Writes what is waiting. */
  flush(): void {
    const position = this.#target.offsetBytes + this.#at * this.#target.blockBytes;
    if (this.blocks <= this.room) {
      for (let done = 0; done < this.#filled; ) done += writeSync(this.#output, this.#buffer, done, this.#filled - done, position + done);
    }
    this.#at += this.#filled / this.#target.blockBytes;
    this.#filled = 0;
  }

  /** Bytes that can follow in the buffer, which never reaches over the end of a free range; what was in it is written when it is full. */
  #space(): number {
    const { free, blockBytes } = this.#target;
    const left = (): number => {
      const range = free[this.#range];
      // With nothing free any more, contents are only counted.
      if (range === undefined) return this.#buffer.length - this.#filled;
      return Math.min(this.#buffer.length, (range.at + range.count - this.#at) * blockBytes) - this.#filled;
    };
    if (left() > 0) return left();
    this.flush();
    while (left() === 0) this.#at = free[++this.#range]?.at ?? 0;
    return left();
  }

  /** Reads bytes behind those that are waiting, and zeros up to the end of a block. */
  #fill(input: number, path: string, bytes: number): void {
    const end = this.#filled + bytes;
    for (let at = this.#filled; at < end; ) {
      const read = readSync(input, this.#buffer, at, end - at, null);
      if (read === 0) throw new RangeError(`${path} ends before its size`);
      at += read;
    }
    const over = bytes % this.#target.blockBytes;
    if (over !== 0) this.#buffer.fill(0, end, end + this.#target.blockBytes - over);
  }

  /** Takes the blocks that were read behind those that are waiting, but for those of zeros. */
  #keep(first: number, bytes: number, extents: { first: number; at: number; count: number }[]): void {
    const { blockBytes } = this.#target;
    const start = this.#filled;
    const count = Math.ceil(bytes / blockBytes);
    for (let index = 0; index < count; index++) {
      const from = start + index * blockBytes;
      if (this.#isZero(from)) continue;
      if (from !== this.#filled) this.#buffer.copyWithin(this.#filled, from, from + blockBytes);
      const at = this.#at + this.#filled / blockBytes;
      const last = extents.at(-1);
      if (last !== undefined && last.first + last.count === first + index && last.at + last.count === at) last.count++;
      else extents.push({ first: first + index, at, count: 1 });
      this.#filled += blockBytes;
      this.blocks++;
    }
  }

  #isZero(from: number): boolean {
    // The first bytes tell most blocks apart without a call.
    if (this.#buffer[from] !== 0 || this.#buffer[from + 1] !== 0) return false;
    return this.#buffer.compare(this.#zeros, 0, this.#zeros.length, from, from + this.#zeros.length) === 0;
  }
}
