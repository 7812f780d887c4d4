import { closeSync, openSync, readSync } from 'node:fs';
import { debError } from '../errors.js';

/** The text of one or more `Packages` files, one after the other, as far as it is asked for. Offsets are those in the whole. */
export interface IndexText {
  readonly sizeBytes: number;
  /** Copies the text `[from, to)` to a place of the target. Of neighbours that are asked for one after the other more is read at once. */
  copy(from: number, to: number, target: Buffer, at: number): void;
  /** The text `[from, to)`, without keeping it. */
  peek(from: number, to: number): Uint8Array;
  /** Reads the whole text once, file after file. */
  scan(reader: TextReader): void;
  /** Nothing can be read any more. May be called again. */
  close(): void;
}

/** Memory that text is read into. */
export interface TextWindow {
  /** All of it, a view that holds until the reader takes a piece, or more room is made. */
  readonly bytes: Buffer;
  /** Makes it larger; it keeps its bytes. */
  widen(): void;
}

/** Takes text in pieces. */
export interface TextReader {
  /** Where each piece begins, for a reader that has memory of its own. */
  readonly window?: TextWindow;
  /**
   * @param offset of the first byte in the whole text.
   * @param isLast the file ends with these bytes.
   * @returns how many of the bytes need not be shown again; all, when they are the last.
   */
  read(bytes: Uint8Array, offset: number, isLast: boolean): number;
}

/** Text that is in memory. Files are separated by an empty line. */
export class TextInMemory implements IndexText {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.sizeBytes = bytes.length;
  }

  copy(from: number, to: number, target: Buffer, at: number): void {
    target.set(this.bytes.subarray(from, to), at);
  }

  peek(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from, to);
  }

  scan(reader: TextReader): void {
    const { bytes, sizeBytes } = this;
    if (!hasWindow(reader)) reader.read(bytes, 0, true);
    else showPieces(0, sizeBytes, reader, (from, target, start, length) => target.set(bytes.subarray(from, from + length), start));
  }

  close(): void {
    // Memory goes with whoever holds it.
  }
}

/** A file of a text. */
export interface TextFile {
  readonly path: string;
  readonly sizeBytes: number;
}

interface OpenFile extends TextFile {
  readonly descriptor: number;
  /** Of its first byte in the whole text. */
  readonly offset: number;
}

/** Bytes that are read at a time: they fit into a processor's cache. */
export const WINDOW_BYTES = 512 * 1024;
/** Bytes that are read at a time where one stanza after the other is asked for: the first time, and at most. Few are neighbours of one other only. */
const FIRST_AHEAD_BYTES = 8 * 1024;
const AHEAD_BYTES = 128 * 1024;
/** Stanzas lie so near to each other, at most, where one after the other is asked for. */
const NEIGHBOUR_BYTES = 8;

/**
 * Text in files. Only what is asked for comes into memory: a resolution needs a twentieth of an archive's index, and memory that is touched for the first
 * time costs more than reading into it.
 */
export class TextInFiles implements IndexText {
  readonly sizeBytes: number;
  #files: readonly OpenFile[];
  #ahead: Buffer | undefined = undefined;
  #aheadBytes = FIRST_AHEAD_BYTES;
  #aheadFrom = 0;
  #aheadTo = 0;
  #lastTo = -1;

  /** @throws what opening a file throws; then none is open. */
  constructor(files: readonly TextFile[]) {
    const opened: OpenFile[] = [];
    this.#files = opened;
    let offset = 0;
    try {
      for (const { path, sizeBytes } of files) {
        opened.push({ path, sizeBytes, offset, descriptor: openSync(path, 'r') });
        offset += sizeBytes;
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.sizeBytes = offset;
  }

  copy(from: number, to: number, target: Buffer, at: number): void {
    const isNeighbour = from >= this.#lastTo && from - this.#lastTo <= NEIGHBOUR_BYTES;
    this.#lastTo = to;
    if (isNeighbour || (from >= this.#aheadFrom && to <= this.#aheadTo)) this.#copyAhead(from, to, target, at);
    else readFully(this.#fileAt(from), from, target, at, to - from);
  }

  peek(from: number, to: number): Uint8Array {
    const text = Buffer.allocUnsafeSlow(to - from);
    readFully(this.#fileAt(from), from, text, 0, text.length);
    return text;
  }

  scan(reader: TextReader): void {
    const shown = hasWindow(reader) ? reader : { window: new OwnWindow(), read: reader.read.bind(reader) };
    for (const file of this.#files) {
      showPieces(file.offset, file.sizeBytes, shown, (from, target, start, length) => readFully(file, from, target, start, length));
    }
  }

  close(): void {
    const files = this.#files;
    // The numbers of descriptors are given to other files from now on.
    this.#files = [];
    for (const { descriptor } of files) closeSync(descriptor);
  }

  #copyAhead(from: number, to: number, target: Buffer, at: number): void {
    if (from < this.#aheadFrom || to > this.#aheadTo) {
      const file = this.#fileAt(from);
      const isFurther = from >= this.#aheadFrom && from <= this.#aheadTo + NEIGHBOUR_BYTES;
      this.#aheadBytes = isFurther ? Math.min(2 * this.#aheadBytes, AHEAD_BYTES) : FIRST_AHEAD_BYTES;
      const length = Math.min(Math.max(this.#aheadBytes, to - from), file.offset + file.sizeBytes - from);
      if (this.#ahead === undefined || this.#ahead.length < length) this.#ahead = Buffer.allocUnsafeSlow(Math.max(AHEAD_BYTES, length));
      readFully(file, from, this.#ahead, 0, length);
      this.#aheadFrom = from;
      this.#aheadTo = from + length;
    }
    this.#ahead!.copy(target, at, from - this.#aheadFrom, to - this.#aheadFrom);
  }

  #fileAt(offset: number): OpenFile {
    const files = this.#files;
    for (let at = files.length - 1; at >= 0; at--) if (files[at].offset <= offset) return files[at];
    throw new RangeError(`the text was closed, and offset ${offset} cannot be read any more`);
  }
}

type WindowReader = TextReader & { readonly window: TextWindow };

function hasWindow(reader: TextReader): reader is WindowReader {
  return reader.window !== undefined;
}

class OwnWindow implements TextWindow {
  bytes = Buffer.allocUnsafeSlow(WINDOW_BYTES);

  widen(): void {
    this.bytes = Buffer.concat([this.bytes], 2 * this.bytes.length);
  }
}

/**
 * Shows a file to a reader: each piece has what was left of the one before, and as much more as there is room for.
 *
 * @param offset of its first byte in the whole text.
 * @param readInto reads `length` bytes of the whole text, from `from`, to `start` of the target.
 */
function showPieces(
  offset: number,
  sizeBytes: number,
  reader: WindowReader,
  readInto: (from: number, target: Buffer, start: number, length: number) => void,
): void {
  const { window } = reader;
  const end = offset + sizeBytes;
  let kept = 0;
  for (let at = offset; at < end; ) {
    if (kept === window.bytes.length) window.widen();
    const { bytes } = window;
    const length = Math.min(bytes.length - kept, end - at);
    readInto(at, bytes, kept, length);
    at += length;
    const filled = kept + length;
    const used = reader.read(bytes.subarray(0, filled), at - filled, at === end);
    window.bytes.copyWithin(0, used, filled);
    kept = filled - used;
  }
}

/** @throws `ICT_DEB_INDEX_MISMATCH` when a file has become shorter than it was. */
function readFully(file: OpenFile, from: number, target: Buffer, start: number, length: number): void {
  for (let done = 0; done < length; ) {
    const read = readSync(file.descriptor, target, start + done, length - done, from - file.offset + done);
    if (read === 0) throw shorter(file, from - file.offset + done);
    done += read;
  }
}

function shorter({ path, sizeBytes }: TextFile, found: number): Error {
  return debError('ICT_DEB_INDEX_MISMATCH', {
    message: `${path} ends after ${found} of its ${sizeBytes} bytes`,
    hint: 'Another program shortened this file of the cache while it was read: run the command again.',
    facts: { path, expected: sizeBytes, actual: found },
  });
}
