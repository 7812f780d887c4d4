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

const COLUMN_OF: ReadonlyMap<string, number> = new Map(INDEXED_FIELDS.map((name, column) => [name, column]));

/** How many of {@link INDEXED_FIELDS}, from the first, a stanza must have. */
export const REQUIRED_FIELDS = 6;

/** How many of {@link INDEXED_FIELDS} there are. */
const WIDTH = INDEXED_FIELDS.length;

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

/** Why a stanza cannot be used as a whole, and the line that says so. */
interface StanzaFault {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Finds the stanzas of a deb822 file one after the other, and of each the fields named in {@link INDEXED_FIELDS}. What reads many is assembly/stanza.ts, which
 * follows the same rules.
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

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
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
    let position = lineStart;
    while (position < end && bytes[position] !== COLON && bytes[position] !== NEWLINE) position++;
    if (position >= end || bytes[position] !== COLON || position === lineStart) {
      this.fault ??= { offset: lineStart, reason: 'the line is not a field' };
    } else {
      const name = Buffer.from(bytes.buffer, bytes.byteOffset + lineStart, position - lineStart).toString('latin1');
      const column = COLUMN_OF.get(name.toLowerCase());
      if (column !== undefined && this.fields[column] === 0) this.fields[column] = position + 1;
    }
    return position;
  }

  /** Offset of the newline at or after `from`; `end` when there is none. */
  #lineEnd(from: number, end: number): number {
    const found = this.bytes.indexOf(NEWLINE, from);
    return found < 0 || found > end ? end : found;
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
