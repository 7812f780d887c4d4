import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { PackedFile } from './pack-files.js';

/** A file whose content goes to one place of another. */
export interface PlacedFile extends PackedFile {
  /** Where the content begins, counted from the start of the file that it is written into. */
  readonly offsetBytes: number;
}

/** Read and written at a time; a piece that is all zeros is not written. */
const PIECE_BYTES = 1024 * 1024;
/** Bytes that are copied before the event loop gets its turn: some hundredths of a second. */
const BYTES_OF_A_TURN = 16 * 1024 * 1024;

/**
 * Writes the contents of files, each at its own place, into a file that exists and holds zeros there. Memory for one megabyte is all that
 * it takes; as with `packFiles`, reads and writes are synchronous.
 *
 * @param target absolute path; a link there is not followed.
 * @throws Node's own error when a file cannot be read or written; RangeError when one ends before its size; the signal's reason.
 */
export async function placeFiles(files: readonly PlacedFile[], target: string, signal: AbortSignal): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const zeros = Buffer.alloc(PIECE_BYTES);
  const output = openSync(target, constants.O_WRONLY | constants.O_NOFOLLOW);
  let turn = 0;
  try {
    for (const { path, sizeBytes, offsetBytes } of files) {
      if (sizeBytes === 0) continue;
      const input = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        for (let done = 0; done < sizeBytes; ) {
          const piece = buffer.subarray(0, Math.min(sizeBytes - done, PIECE_BYTES));
          fill(piece, input, path);
          if (piece.compare(zeros, 0, piece.length) !== 0) write(output, piece, offsetBytes + done);
          done += piece.length;
          turn += piece.length;
          if (turn < BYTES_OF_A_TURN) continue;
          turn = 0;
          await setImmediate();
          signal.throwIfAborted();
        }
      } finally {
        closeSync(input);
      }
    }
  } finally {
    closeSync(output);
  }
}

function fill(piece: Buffer, input: number, path: string): void {
  for (let at = 0; at < piece.length; ) {
    const read = readSync(input, piece, at, piece.length - at, null);
    if (read === 0) throw new RangeError(`${path} ends before its size`);
    at += read;
  }
}

function write(output: number, piece: Buffer, position: number): void {
  for (let at = 0; at < piece.length; ) at += writeSync(output, piece, at, piece.length - at, position + at);
}
