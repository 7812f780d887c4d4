import { decodeText } from '@ict/archive';
import { rpmError } from '../errors.js';

/** Bytes of the intro of a header: magic, reserved, number of entries, bytes of data. */
export const HEADER_INTRO_BYTES = 16;
const ENTRY_BYTES = 16;
const MAGIC = 0x8eade801;
const MAX_ENTRIES = 0xffff;

const CHAR = 1;
const INT8 = 2;
const INT16 = 3;
const INT32 = 4;
const INT64 = 5;
const STRING = 6;
const BIN = 7;
const STRING_ARRAY = 8;
const I18N_STRING = 9;

/** Bytes of one element, and on which multiple it must lie. */
const WIDTH: Readonly<Record<number, number>> = { [CHAR]: 1, [INT8]: 1, [INT16]: 2, [INT32]: 4, [INT64]: 8, [BIN]: 1 };

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** What the intro says. */
export interface HeaderSize {
  readonly entries: number;
  readonly dataBytes: number;
  /** Of the whole header, intro included. */
  readonly sizeBytes: number;
}

/**
 * Reads the intro of a header and bounds it.
 *
 * @param where `header` or `signature header`, for messages.
 * @param maxDataBytes refuse more data than this.
 * @throws `ICT_RPM_HEADER_INVALID`
 */
export function readHeaderSize(intro: Buffer, where: string, maxDataBytes: number): HeaderSize {
  if (intro.length < HEADER_INTRO_BYTES || intro.readUInt32BE(0) !== MAGIC) throw invalid(where, 'it has no magic number');
  const entries = intro.readUInt32BE(8);
  const dataBytes = intro.readUInt32BE(12);
  if (entries === 0 || entries > MAX_ENTRIES) throw invalid(where, `it claims ${entries} entries`);
  if (dataBytes > maxDataBytes) throw invalid(where, `it claims ${dataBytes} bytes of data`);
  return { entries, dataBytes, sizeBytes: HEADER_INTRO_BYTES + entries * ENTRY_BYTES + dataBytes };
}

/**
 * A header of an rpm package: values by tag. Every offset and count is checked against the data when the header is read; values are
 * taken out when asked for.
 *
 * @see rpm's format_header
 */
export class Header {
  readonly #entries = new Map<number, Entry>();
  readonly #data: Buffer;
  readonly #where: string;

  /**
   * @param bytes the whole header, from its magic number.
   * @param regionTag tag of the immutable region, which must be the first entry and hold everything; rpm before 4.0 wrote none.
   * @throws `ICT_RPM_HEADER_INVALID`
   */
  constructor(bytes: Buffer, where: string, regionTag: number) {
    this.#where = where;
    const { entries, dataBytes, sizeBytes } = readHeaderSize(bytes, where, bytes.length);
    if (sizeBytes !== bytes.length) throw invalid(where, `it has ${bytes.length} bytes and claims ${sizeBytes}`);
    const index = bytes.subarray(HEADER_INTRO_BYTES, bytes.length - dataBytes);
    this.#data = bytes.subarray(bytes.length - dataBytes);
    for (let i = 0; i < entries; i++) {
      const at = i * ENTRY_BYTES;
      const tag = index.readUInt32BE(at);
      const entry = { type: index.readUInt32BE(at + 4), offset: index.readInt32BE(at + 8), count: index.readUInt32BE(at + 12) };
      if (tag === regionTag) {
        if (i !== 0) throw invalid(where, 'its region is not its first entry');
        this.#checkRegion(entry, regionTag, entries);
        continue;
      }
      this.#checkEntry(tag, entry);
      // rpm takes the first of equal tags; two of them let two readers see two packages.
      if (this.#entries.has(tag)) throw invalid(where, `tag ${tag} is there twice`);
      this.#entries.set(tag, entry);
    }
  }

  /** The trailer at the end of the data must describe a region of all entries: what lies outside is not signed. */
  #checkRegion({ type, offset, count }: Entry, regionTag: number, entries: number): void {
    if (type !== BIN || count !== ENTRY_BYTES || offset < 0 || offset + ENTRY_BYTES > this.#data.length) {
      throw invalid(this.#where, 'its region lies outside its data');
    }
    const trailer = this.#data.subarray(offset, offset + ENTRY_BYTES);
    const covered = -trailer.readInt32BE(8) / ENTRY_BYTES;
    // Old rpm wrote the tag of the general image (61) into the trailer of signature headers.
    if (![regionTag, 61].includes(trailer.readUInt32BE(0)) || trailer.readUInt32BE(4) !== BIN || trailer.readUInt32BE(12) !== ENTRY_BYTES) {
      throw invalid(this.#where, 'its region has no sound trailer');
    }
    if (covered !== entries) throw invalid(this.#where, `its region holds ${covered} of ${entries} entries`);
  }

  #checkEntry(tag: number, { type, offset, count }: Entry): void {
    const bad = (reason: string): Error => invalid(this.#where, `tag ${tag} ${reason}`);
    if (offset < 0 || offset > this.#data.length) throw bad('lies outside the data');
    if (count === 0 && type !== 0) throw bad('is empty');
    const width = WIDTH[type];
    if (width !== undefined) {
      if (offset % width !== 0) throw bad('is not aligned');
      if (count > (this.#data.length - offset) / width) throw bad('ends outside the data');
      return;
    }
    if (type === 0) return;
    if (type !== STRING && type !== STRING_ARRAY && type !== I18N_STRING) throw bad(`has the unknown type ${type}`);
    if (type === STRING && count !== 1) throw bad(`is one string and counts ${count}`);
    if (count > this.#data.length - offset) throw bad('counts more strings than there are bytes');
    let at = offset;
    for (let i = 0; i < count; i++) {
      at = this.#endOfString(at) + 1;
      if (at > this.#data.length) throw bad('has a string without end');
    }
  }

  /** Where the string at `at` ends; the length of the data when it has no end. Most are so short that `indexOf` takes several times as long. */
  #endOfString(at: number): number {
    const data = this.#data;
    while (at < data.length && data[at] !== 0) at++;
    return at;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** Tags in the order of the header, without that of the region. */
  tags(): readonly number[] {
    return [...this.#entries.keys()];
  }

  /** Strings of a tag; none when it is absent. Bytes that are no UTF-8 are read as Latin-1, as packages of old distributions need it. */
  strings(tag: number): readonly string[] {
    return this.#strings(tag, decodeText);
  }

  /** Strings of a tag as they are stored, each byte a character: for what is put together before it is read as text. */
  rawStrings(tag: number): readonly string[] {
    return this.#strings(tag, (bytes) => bytes.toString('latin1'));
  }

  #strings(tag: number, read: (bytes: Buffer) => string): readonly string[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    if (entry.type !== STRING && entry.type !== STRING_ARRAY && entry.type !== I18N_STRING) throw this.#wrongType(tag, 'text');
    const found: string[] = [];
    let at = entry.offset;
    for (let i = 0; i < entry.count; i++) {
      const end = this.#endOfString(at);
      found.push(read(this.#data.subarray(at, end)));
      at = end + 1;
    }
    return found;
  }

  /** The first string of a tag. */
  string(tag: number): string | undefined {
    return this.strings(tag)[0];
  }

  /**
   * Numbers of a tag; none when it is absent.
   *
   * @throws `ICT_RPM_HEADER_INVALID` for another type, or a number beyond 2^53.
   */
  numbers(tag: number): readonly number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const { type, offset, count } = entry;
    const width = WIDTH[type];
    if (width === undefined || type === BIN) throw this.#wrongType(tag, 'numbers');
    const found = new Array<number>(count);
    for (let i = 0; i < count; i++) {
      const at = offset + i * width;
      if (width === 8) {
        const value = this.#data.readBigUInt64BE(at);
        if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(this.#where, `tag ${tag} holds the number ${value}`);
        found[i] = Number(value);
      } else {
        found[i] = this.#data.readUIntBE(at, width);
      }
    }
    return found;
  }

  number(tag: number): number | undefined {
    return this.numbers(tag)[0];
  }

  /** Bytes of a tag. */
  bytes(tag: number): Buffer | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    if (entry.type !== BIN) throw this.#wrongType(tag, 'bytes');
    return this.#data.subarray(entry.offset, entry.offset + entry.count);
  }

  #wrongType(tag: number, wanted: string): Error {
    return invalid(this.#where, `tag ${tag} does not hold ${wanted}`);
  }
}

function invalid(where: string, reason: string): Error {
  return rpmError('ICT_RPM_HEADER_INVALID', {
    message: `The ${where} of the package is damaged or hostile: ${reason}`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { part: where, reason },
  });
}
