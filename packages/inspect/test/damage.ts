import type { Bytes } from '../src/bytes.js';
import type { OpenedFilesystem } from '../src/filesystems/filesystem.js';

/** Of a file whose size is damaged this much is read. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The bytes of a buffer, as they are when they are read. */
export function bytesIn(buffer: Buffer): Bytes {
  return {
    sizeBytes: buffer.length,
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > buffer.length) throw new RangeError('behind the end');
      return Buffer.from(buffer.subarray(offset, offset + length));
    },
  };
}

/** Reads all names of a filesystem, and contents up to a bound. @returns how many names there are, or why that ended. */
export async function readAll(open: () => Promise<OpenedFilesystem | undefined>): Promise<number | RangeError> {
  try {
    const opened = await open();
    let names = 0;
    for await (const entry of opened?.files?.walk() ?? []) {
      names++;
      let read = 0;
      for await (const { length } of entry.content()) if ((read += length) > MOST_BYTES) break;
    }
    return names;
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}

/** Numbers from 0 on, below the one asked for, the same in every run. */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
