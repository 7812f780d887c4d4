import { constants, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { alignedBuffer } from '@ict/integrity';

/** A part of a file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * A file in pieces of equal length, the last one shorter; each is a buffer of its own, but that all pieces of zeros are one.
 *
 * `likelyData` only says what is worth reading through the page cache, and never what the bytes are: everything else is read past it
 * where the file system can do that. Reading a hole of a disk image through the cache fills memory with zeros, which on a machine that
 * has to get that memory first takes three seconds a gigabyte; past the cache it takes a tenth of one.
 *
 * @param pieceBytes a multiple of 64 KiB.
 * @param likelyData where data is expected, in any order; undefined when it is expected everywhere.
 * @param buffer memory of `pieceBytes` that all pieces with data share: each is then good only until the next is asked for.
 * @param part what of the file is read; absent: all. It begins at a multiple of 64 KiB.
 * @throws Node's own error when the file cannot be read; the signal's reason when it aborts.
 */
export async function* readPieces(
  path: string,
  pieceBytes: number,
  likelyData: readonly ByteRange[] | undefined,
  signal: AbortSignal,
  buffer?: Buffer,
  part?: ByteRange,
): AsyncGenerator<Buffer, void, undefined> {
  const zeros = Buffer.alloc(pieceBytes);
  await using cached = await open(path, 'r');
  await using direct = likelyData === undefined ? undefined : await openDirect(path, pieceBytes);
  const size = part === undefined ? (await cached.stat()).size : part.offset + part.length;
  let inOneTurn = 0;
  for (let offset = part?.offset ?? 0; offset < size; offset += pieceBytes) {
    signal.throwIfAborted();
    const length = Math.min(pieceBytes, size - offset);
    const expected =
      likelyData === undefined || likelyData.some((range) => range.offset < offset + length && offset < range.offset + range.length);
    if (!expected && direct !== undefined && length === pieceBytes && direct.isZero(offset, zeros)) {
      inOneTurn += length;
      if (inOneTurn >= BYTES_OF_A_TURN) {
        inOneTurn = 0;
        await setImmediate(); // lets the signal abort
      }
      yield zeros;
      continue;
    }
    const piece = buffer?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    await readFully(cached, piece, offset);
    yield length === pieceBytes && piece.equals(zeros) ? zeros : piece;
  }
}

/** Bytes of holes that are read before the event loop gets its turn: some milliseconds. */
const BYTES_OF_A_TURN = 16 * 1024 * 1024;

/** A file opened past the page cache. */
interface DirectFile extends AsyncDisposable {
  /**
   * True when the piece at `offset` is all zeros; false when it is not, or could not be read this way. Synchronous: a hole takes less time
   * than a trip through the thread pool.
   */
  isZero(offset: number, zeros: Buffer): boolean;
}

/** @returns undefined when the file system has no direct reads (as tmpfs of older kernels). */
async function openDirect(path: string, pieceBytes: number): Promise<DirectFile | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined);
  if (file === undefined) return undefined;
  const aligned = alignedBuffer(pieceBytes);
  return {
    isZero: (offset, zeros) => {
      try {
        return readSync(file.fd, aligned, 0, pieceBytes, offset) === pieceBytes && aligned.equals(zeros);
      } catch {
        // A refusal (alignment, an unusual file system) only means that the piece is read through the cache.
        return false;
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** Fills a buffer from a place in a file. @throws RangeError when the file ends before. */
export async function readFully(file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) throw new RangeError(`the file ends at byte ${position + done}`);
    done += bytesRead;
  }
}
