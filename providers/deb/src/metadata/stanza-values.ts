import { equalBytes } from '@ict/package-index';
import { debError } from '../errors.js';
import type { IndexDirectory } from './index-directory.js';
import type { IndexText } from './index-text.js';
import { columnOf, missingField, StanzaScanner, valueStart, valueStop, WIDTH } from './stanza-scan.js';

const PACKAGE = columnOf('package');

/** Stanzas to have room for at first. */
const EXPECTED = 2048;

/** Where the fields of packages lie, whose stanzas are loaded and scanned when the first of their fields is asked for. */
export class StanzaValues {
  readonly #text: IndexText;
  readonly #directory: IndexDirectory;
  #scanner: StanzaScanner;
  /** By package: number of its stanza among those that were loaded + 1; 0 for the others. */
  readonly #loaded: Uint32Array;
  /** By loaded stanza and column: place of the value. */
  #places = new Uint32Array(EXPECTED * WIDTH);
  #count = 0;

  constructor(directory: IndexDirectory, text: IndexText) {
    this.#text = text;
    this.#directory = directory;
    this.#scanner = new StanzaScanner(text.bytes);
    this.#loaded = new Uint32Array(directory.starts.length);
  }

  /** Where the values lie that were loaded so far: elsewhere, once more are. */
  get bytes(): Uint8Array {
    return this.#text.bytes;
  }

  /** Number of a package's stanza among those that were loaded, which it is from now on. @throws `ICT_DEB_INDEX_MISMATCH` when it lies there no more. */
  stanza(row: number): number {
    return (this.#loaded[row] === 0 ? this.#load(row) : this.#loaded[row]) - 1;
  }

  /** Offset of the byte after the colon of a field in {@link bytes}; 0 when the package has no such field. */
  place(row: number, column: number): number {
    const stanza = this.stanza(row);
    return this.#places[stanza * WIDTH + column];
  }

  /** Forgets all stanzas: their room is used again, and their numbers are given to others. */
  release(): void {
    this.#text.release();
    this.#loaded.fill(0);
    this.#count = 0;
  }

  #load(row: number): number {
    const from = this.#directory.starts[row];
    const to = this.#directory.stops[row];
    const start = this.#text.load(from, to);
    if (this.#scanner.bytes !== this.#text.bytes) this.#scanner = new StanzaScanner(this.#text.bytes);
    this.#scanner.next(start, start + to - from, true);
    if (!this.#isScanned(row)) throw this.#changed(row);
    if ((this.#count + 1) * WIDTH > this.#places.length) {
      const larger = new Uint32Array(2 * this.#places.length);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places.set(this.#scanner.fields, this.#count * WIDTH);
    return (this.#loaded[row] = ++this.#count);
  }

  /** Whether the stanza that was scanned last is one of the package: it has the name and the fields that its directory found there. */
  #isScanned(row: number): boolean {
    const { bytes, fields, fault } = this.#scanner;
    const { keys, names, words } = this.#directory;
    if (fault !== undefined || missingField(fields) !== undefined) return false;
    const start = valueStart(bytes, fields[PACKAGE]);
    const length = names.lengths[keys[row]];
    return valueStop(bytes, start) - start === length && equalBytes(words, names.starts[keys[row]], bytes, start, length);
  }

  #changed(row: number): Error {
    const { keys, names, starts, words } = this.#directory;
    const start = names.starts[keys[row]];
    const name = Buffer.from(words.subarray(start, start + names.lengths[keys[row]])).toString('utf8');
    return debError('ICT_DEB_INDEX_MISMATCH', {
      message: `the text of an index no longer has "${name}" where it was found`,
      hint: 'Another program changed a file of the cache while it was read: run `ict cache verify --repair`, then the command again.',
      facts: { package: name, offset: starts[row] },
    });
  }
}
