import type { IndexText, TextReader } from './index-text.js';

/** Bytes that are looked at together: what is made of them goes soon, and where it is made anew. */
const PIECE_BYTES = 32 * 1024;

const NEWLINE = 0x0a;

/** Letters of other alphabets of which a lower case has one of ASCII, and their bytes as they are looked for. */
const OTHER_CASES = [
  { letter: 'k', bytes: '\u00e2\u0084\u00aa' }, // The sign for kelvin.
  { letter: 'i', bytes: '\u00e4\u00b0' }, // A capital I with a dot above.
];

/** Whether {@link stanzasWith} can look for a word: one of ASCII, which lies in one line. */
export function isPlainWord(word: string): boolean {
  return /^[\x20-\x7e]+$/.test(word);
}

/**
 * Stanzas that may have a word, in whatever case, in any of their fields: all that have it, and few others. They are not read for that.
 *
 * @param word see {@link isPlainWord}.
 * @param starts offsets of the first bytes of stanzas, and `stops` of the ones after their last, in order.
 * @returns their numbers, in order.
 */
export function stanzasWith(
  word: string,
  text: IndexText,
  { starts, stops }: { readonly starts: Uint32Array; readonly stops: Uint32Array },
): readonly number[] {
  const reader = new WordReader(word.toLowerCase(), starts, stops);
  text.scan(reader);
  return reader.found;
}

class WordReader implements TextReader {
  readonly found: number[] = [];
  readonly #starts: Uint32Array;
  readonly #stops: Uint32Array;
  readonly #wanted: readonly string[];

  constructor(word: string, starts: Uint32Array, stops: Uint32Array) {
    this.#starts = starts;
    this.#stops = stops;
    this.#wanted = [word, ...OTHER_CASES.filter(({ letter }) => word.includes(letter)).map(({ bytes }) => bytes)];
  }

  read(bytes: Uint8Array, offset: number, isLast: boolean): number {
    // A word lies in one line.
    const end = isLast ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, end);
    for (let at = 0; at < end; ) {
      const line = at + PIECE_BYTES < end ? buffer.lastIndexOf(NEWLINE, at + PIECE_BYTES) + 1 : end;
      const stop = line > at ? line : end;
      this.#look(buffer.toString('latin1', at, stop).toLowerCase(), offset + at);
      at = stop;
    }
    return end;
  }

  /** @param piece bytes as characters, in lower case as far as they are ASCII; others are other ones at most. */
  #look(piece: string, offset: number): void {
    const rows = this.#wanted.map((bytes) => this.#rowsWith(bytes, piece, offset));
    const [first] = rows as [readonly number[]];
    const all = rows.length === 1 ? first : [...new Set(rows.flat())].sort((a, b) => a - b);
    for (const row of all) if (this.found.at(-1) !== row) this.found.push(row);
  }

  #rowsWith(bytes: string, piece: string, offset: number): readonly number[] {
    const rows: number[] = [];
    for (let at = piece.indexOf(bytes); at >= 0; ) {
      const row = this.#rowAt(offset + at);
      if (row < 0) {
        // Between stanzas, or in one that is left out.
        at = piece.indexOf(bytes, at + 1);
        continue;
      }
      rows.push(row);
      at = piece.indexOf(bytes, this.#stops[row] - offset);
    }
    return rows;
  }

  /** The stanza that an offset lies in; -1 when it is in none. */
  #rowAt(offset: number): number {
    let low = 0;
    for (let high = this.#starts.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    return low > 0 && offset < this.#stops[low - 1] ? low - 1 : -1;
  }
}
