/**
 * Fields of a `Packages` stanza whose place is remembered while scanning; others are not read. The order is the column of
 * {@link StanzaScanner.fields}.
 */
export const INDEXED_FIELDS = [
  'package',
  'version',
  'architecture',
  'filename',
  'sha256',
  'size',
  'depends',
  'pre-depends',
  'provides',
  'conflicts',
  'breaks',
  'recommends',
  'replaces',
  'priority',
  'essential',
  'protected',
  'multi-arch',
  'source',
  'installed-size',
  'maintainer',
  'homepage',
  'description',
  'section',
  'suggests',
  'enhances',
  'phased-update-percentage',
] as const;

/** Name of an indexed field in lower case. */
export type IndexedField = (typeof INDEXED_FIELDS)[number];

/** How many of {@link INDEXED_FIELDS}, from the first, a stanza must have. */
export const REQUIRED_FIELDS = 6;

/** How many of {@link INDEXED_FIELDS} there are. */
export const WIDTH = INDEXED_FIELDS.length;

/** A stanza that cannot be used, and why. */
export interface DroppedStanza {
  /** Where it is wrong: offset of the first line that is no field, else of its first byte. */
  readonly offset: number;
  readonly reason: string;
  /** Value of its Package field, when it has one. */
  readonly package?: string;
  /** The field that is missing or wrong, when it is one. */
  readonly field?: string;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

const HASH_SIZE = 1024;

/** Hash of lower-cased field names to column + 1, and the names as bytes to compare with. */
const NAMES = INDEXED_FIELDS.map((name) => Buffer.from(name, 'latin1'));
const COLUMNS = columnsByHash();

function columnsByHash(): Int8Array {
  const columns = new Int8Array(HASH_SIZE);
  NAMES.forEach((name, column) => {
    let hash = 0;
    for (const byte of name) hash = step(hash, byte);
    if (columns[hash] !== 0)
      throw new RangeError(`field names ${INDEXED_FIELDS[column]} and ${INDEXED_FIELDS[columns[hash] - 1]} share a hash`);
    columns[hash] = column + 1;
  });
  return columns;
}

function step(hash: number, byte: number): number {
  return (hash * 31 + (byte | 0x20)) & (HASH_SIZE - 1);
}

/** Why a stanza cannot be used as a whole, and the line that says so. */
interface StanzaFault {
  readonly offset: number;
  readonly reason: string;
}

/** Four newlines, and what tells whether a word of four bytes has one. */
const NEWLINES = 0x0a0a0a0a;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

/**
 * Finds the stanzas of a deb822 file one after the other, and of each the fields named in {@link INDEXED_FIELDS}, reading each byte once and making no
 * strings.
 *
 * Tolerant as apt is: CRLF, blank lines with spaces, a missing final newline, lines of any length, unknown fields; the first of two
 * equal fields counts.
 */
export class StanzaScanner {
  /** Of the last stanza, by column: offset of the byte after the colon; 0 when the field is absent. */
  readonly fields = new Uint32Array(WIDTH);
  /** Of the last stanza: offset of its first byte, and of the one after its last. */
  start = 0;
  stop = 0;
  /** What is wrong with the last stanza. */
  fault: StanzaFault | undefined = undefined;
  readonly bytes: Uint8Array;
  /** The same bytes four at a time; empty where they do not lie so. */
  readonly #words: Int32Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const isAligned = bytes.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
    this.#words = isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : new Int32Array(0);
  }

  /**
   * Reads the stanza that begins at or after `from`.
   *
   * @param end where the bytes end.
   * @param isLast nothing follows them.
   * @returns where to go on; -1 when there is no whole stanza any more.
   */
  next(from: number, end: number, isLast: boolean): number {
    const { bytes } = this;
    this.fields.fill(0);
    this.fault = undefined;
    let open = false;
    let position = from;
    while (position < end) {
      const first = bytes[position];
      if (first === NEWLINE || first === RETURN || first === SPACE || first === TAB) {
        let text = position;
        while (text < end && (bytes[text] === SPACE || bytes[text] === TAB || bytes[text] === RETURN)) text++;
        if (text === end && !isLast) return -1;
        if (text === end || bytes[text] === NEWLINE) {
          if (open) {
            this.stop = position;
            return text + 1;
          }
          position = text + 1;
          continue;
        }
        if (!open) this.fault = { offset: position, reason: 'the line continues a field that is not there' };
      }
      if (!open) {
        open = true;
        this.start = position;
      }
      position = this.#lineEnd(first === SPACE || first === TAB || first === RETURN ? position : this.#field(position, end), end) + 1;
    }
    if (!open || !isLast) return -1;
    this.stop = end;
    return end;
  }

  /** Notes the field that a line begins with. @returns a place in the same line. */
  #field(lineStart: number, end: number): number {
    const { bytes } = this;
    let hash = 0;
    let position = lineStart;
    let byte = bytes[position];
    while (byte !== COLON && byte !== NEWLINE) {
      hash = step(hash, byte);
      position++;
      if (position >= end) break;
      byte = bytes[position];
    }
    if (position >= end || byte !== COLON || position === lineStart) {
      this.fault ??= { offset: lineStart, reason: 'the line is not a field' };
    } else {
      const column = COLUMNS[hash] - 1;
      if (column >= 0 && this.fields[column] === 0 && isName(bytes, lineStart, position, NAMES[column])) this.fields[column] = position + 1;
    }
    return position;
  }

  /** Offset of the newline at or after `from`; `end` when there is none. */
  #lineEnd(from: number, end: number): number {
    const { bytes } = this;
    const words = this.#words;
    let position = from;
    while (position < end && (position & 3) !== 0) {
      if (bytes[position] === NEWLINE) return position;
      position++;
    }
    let word = position >> 2;
    const last = Math.min(end >> 2, words.length);
    while (word < last) {
      const difference = words[word] ^ NEWLINES;
      // A byte that became zero borrows from its highest bit (Warren, Hacker's Delight, 6-1).
      if (((difference - LOW_BITS) & ~difference & HIGH_BITS) !== 0) break;
      word++;
    }
    position = Math.max(position, word << 2);
    while (position < end && bytes[position] !== NEWLINE) position++;
    return position;
  }
}

/** The first required field that a stanza lacks. */
export function missingField(fields: Uint32Array): string | undefined {
  for (let column = 0; column < REQUIRED_FIELDS; column++) {
    if (fields[column] === 0) return titleOf(INDEXED_FIELDS[column]);
  }
  return undefined;
}

/** The usual spelling of a field name: `pre-depends` to `Pre-Depends`. */
function titleOf(name: string): string {
  return name === 'sha256' ? 'SHA256' : name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** True when the bytes are this name, whatever their case. */
function isName(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[from + i];
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name[i]) return false;
  }
  return true;
}

const COLUMN_OF: ReadonlyMap<string, number> = new Map(INDEXED_FIELDS.map((name, column) => [name, column]));

/** Column of an indexed field. */
export function columnOf(name: IndexedField): number {
  return COLUMN_OF.get(name)!;
}

/** Offset of the first byte of a value that is not white space, where the value begins after the colon at `from`. */
export function valueStart(bytes: Uint8Array, from: number): number {
  let start = from;
  for (;;) {
    const byte = bytes[start];
    if (byte === NEWLINE) {
      if (bytes[start + 1] !== SPACE && bytes[start + 1] !== TAB) return start;
    } else if (byte !== SPACE && byte !== TAB && byte !== RETURN) {
      return start;
    }
    start++;
  }
}

/** Offset after the last byte of a value that is not white space, continuation lines included; `start` from {@link valueStart}. */
export function valueStop(bytes: Uint8Array, start: number): number {
  let stop = valueEnd(bytes, start);
  while (stop > start && bytes[stop - 1] <= SPACE) stop--;
  return stop;
}

/** The value that begins after the colon at `from`, without surrounding white space. */
export function valueText(bytes: Uint8Array, from: number): string {
  const start = valueStart(bytes, from);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, valueStop(bytes, start));
}

/** Offset of the end of the value that begins at `from`: of its last continuation line, without the newline. */
function valueEnd(bytes: Uint8Array, from: number): number {
  const end = bytes.length;
  let position = from;
  for (;;) {
    while (position < end && bytes[position] !== NEWLINE) position++;
    const next = bytes[position + 1];
    if (position + 1 >= end || (next !== SPACE && next !== TAB)) return position;
    position++;
  }
}
