/**
 * Fields of a `Packages` stanza whose place is remembered while scanning; others are not read. The order is the column of
 * {@link StanzaTable.fields}.
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

const WIDTH = INDEXED_FIELDS.length;

/** Where stanzas and their fields lie in a buffer: numbers only, seven megabytes for Debian's main archive. */
export interface StanzaTable {
  readonly count: number;
  /** Offset of the first byte of stanza `i`. */
  readonly starts: Uint32Array;
  /** Offset of the byte after the colon of field `f` of stanza `i`, at `i * INDEXED_FIELDS.length + f`; 0 when it is absent. */
  readonly fields: Uint32Array;
  readonly dropped: readonly DroppedStanza[];
}

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

/**
 * Finds every stanza of a deb822 file and the fields named in {@link INDEXED_FIELDS}, reading each byte once and making no strings.
 *
 * Tolerant as apt is: CRLF, blank lines with spaces, a missing final newline, lines of any length, unknown fields; the first of two
 * equal fields counts. A stanza without a required field, or with a line that is no field, goes to `dropped`.
 */
export function scanStanzas(bytes: Uint8Array): StanzaTable {
  const end = bytes.length;
  let capacity = Math.max(16, Math.ceil(end / 700));
  let starts = new Uint32Array(capacity);
  let fields = new Uint32Array(capacity * WIDTH);
  const dropped: DroppedStanza[] = [];
  const current = new Uint32Array(WIDTH);
  let count = 0;
  let open = false;
  let start = 0;
  let fault: Pick<DroppedStanza, 'offset' | 'reason'> | undefined;

  const close = (): void => {
    const field = missing(current);
    if (fault === undefined && field === undefined) {
      if (count === capacity) {
        capacity *= 2;
        starts = grow(starts, capacity);
        fields = grow(fields, capacity * WIDTH);
      }
      starts[count] = start;
      fields.set(current, count * WIDTH);
      count++;
    } else {
      const name = current[0] === 0 ? '' : valueText(bytes, current[0]);
      dropped.push({
        ...(fault ?? { offset: start, reason: `it has no ${field}` }),
        ...(name === '' ? {} : { package: name }),
        ...(fault === undefined && field !== undefined ? { field } : {}),
      });
    }
    current.fill(0);
    fault = undefined;
    open = false;
  };

  let position = 0;
  while (position < end) {
    const lineStart = position;
    const first = bytes[position];
    if (first === NEWLINE || first === RETURN || first === SPACE || first === TAB) {
      let text = position;
      while (text < end && (bytes[text] === SPACE || bytes[text] === TAB || bytes[text] === RETURN)) text++;
      if (text === end || bytes[text] === NEWLINE) {
        if (open) close();
        position = text + 1;
        continue;
      }
      if (!open) {
        open = true;
        start = lineStart;
        fault = { offset: lineStart, reason: 'the line continues a field that is not there' };
      }
    } else {
      if (!open) {
        open = true;
        start = lineStart;
      }
      let hash = 0;
      let byte = first;
      while (byte !== COLON && byte !== NEWLINE) {
        hash = step(hash, byte);
        position++;
        if (position >= end) break;
        byte = bytes[position];
      }
      if (position >= end || byte !== COLON || position === lineStart) {
        fault ??= { offset: lineStart, reason: 'the line is not a field' };
      } else {
        const column = COLUMNS[hash] - 1;
        if (column >= 0 && current[column] === 0 && isName(bytes, lineStart, position, NAMES[column])) current[column] = position + 1;
      }
    }
    while (position < end && bytes[position] !== NEWLINE) position++;
    position++;
  }
  if (open) close();
  return { count, starts, fields, dropped };
}

function grow(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}

/** The first required field that a stanza lacks. */
function missing(current: Uint32Array): string | undefined {
  for (let column = 0; column < REQUIRED_FIELDS; column++) {
    if (current[column] === 0) return titleOf(INDEXED_FIELDS[column]);
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
