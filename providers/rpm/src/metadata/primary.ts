import { isContentAlgorithm, isStatedHex } from '@ict/integrity';
import type { ContentAlgorithm } from '@ict/plugin-api';
import { NumberColumn } from '@ict/package-index';
import { ColumnWriter } from './column-writer.js';
import { NAME_AT, readPrimaryEntry } from './primary-entry.js';
import type { PrimaryEntry } from './primary-entry.js';
import { PackageRows } from './package-rows.js';
import { FIELD, FIELD_COUNT, FILES, LIST_COUNT, LISTS } from './primary-columns.js';
import type { IndexDiagnostic, PrimaryColumns, PrimaryField } from './primary-columns.js';
import { EQUAL, GREATER, LESS } from '../relations/relation.js';
import { readLocationBase } from './location-base.js';
import { isBelow } from './repomd.js';
import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import { isSame } from './xml-names.js';
import type { XmlText } from './xml-text.js';

/** Senses by their two letters, as one number. */
const SENSES: ReadonlyMap<number, number> = new Map(
  Object.entries({ EQ: EQUAL, LT: LESS, GT: GREATER, LE: LESS | EQUAL, GE: GREATER | EQUAL }).map(([letters, sense]) => [
    Buffer.from(letters).readUInt16BE(),
    sense,
  ]),
);
/** Elements whose text is a field. */
const TEXTS = ['name', 'arch', 'summary', 'url', 'packager', 'vendor', 'sourcerpm'] as const satisfies readonly PrimaryField[];
/** An element of a package that counts. */
interface Element {
  readonly kind: 'text' | 'list' | 'version' | 'checksum' | 'location' | 'size';
  /** Column of a text, or number of a list. */
  readonly number: number;
}

const ELEMENTS: ReadonlyMap<string, Element> = new Map<string, Element>([
  ...TEXTS.map((name): [string, Element] => [name, { kind: 'text', number: FIELD[name] }]),
  ...LISTS.flatMap((name, number): [string, Element][] => (name === 'files' ? [] : [[name, { kind: 'list', number }]])),
  ...(['version', 'checksum', 'location', 'size'] as const).map((kind): [string, Element] => [kind, { kind, number: -1 }]),
]);

/** An `xml:base`. */
interface Base {
  readonly text: string;
  /** Offset of the address of the directory; 0 for none. */
  readonly archive: number;
  /** Why files are not looked for there. */
  readonly fault: string | undefined;
}

const NO_BASE: Base = { text: '', archive: 0, fault: undefined };
const SHA256 = Buffer.from('sha256');
const NEWLINE = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const MAX_DIGITS = 15;
/** Bytes of the longest digest, `sha512:` and its digits. */
const MAX_DIGEST = 7 + 128;
const SLASH = 0x2f;
const DOT = 0x2e;
/** 1 for bytes that mean nothing else in an address. */
const PLAIN = new Uint8Array(256);
for (const byte of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+-_~^')) PLAIN[byte] = 1;

/**
 * Reads primary.xml, piece by piece, into columns; unknown elements are passed over.
 *
 * A package that lacks its name, version, architecture, checksum of SHA-2, size or place, or has a place outside the repository and of the
 * directory that its `xml:base` names, is left out with a diagnostic; the rest stays usable. Of a package that is listed twice the first entry counts; the other is reported unless it is of
 * the same file.
 */
export class PrimaryReader implements XmlHandler {
  readonly #reader: XmlReader;
  readonly #writer = new ColumnWriter();
  readonly #diagnostics: IndexDiagnostic[] = [];
  readonly #fields = new Uint32Array(FIELD_COUNT);
  readonly #rows = new PackageRows((row, column) => this.#writer.field(row, column));
  readonly #lists = Array.from({ length: LIST_COUNT }, () => new NumberColumn(16));
  #inPackage = false;
  /** The list whose entries come; -1 for none. */
  #list = -1;
  /** The kind of the checksum whose digits come; undefined for one that does not count. */
  #algorithm: ContentAlgorithm | undefined;
  /** Why the package is not looked for where it is said to lie, outside of the repository. */
  #misplaced: string | undefined;
  /** The last `xml:base`, which is often that of the next package. */
  #lastBase = NO_BASE;
  /** Where a digest is put together. */
  readonly #digest = Buffer.alloc(MAX_DIGEST);
  /** The version and release of the last relation, which are often those of the next. */
  #lastVersion = 0;
  #lastRelease = 0;
  readonly #entry: PrimaryEntry = {
    nameTo: 0,
    flags: 0,
    epochFrom: 0,
    epochTo: 0,
    versionFrom: 0,
    versionTo: 0,
    releaseFrom: 0,
    releaseTo: 0,
  };

  /** @param source names the document in messages. */
  constructor(source: string) {
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not well-formed. */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): PrimaryColumns {
    this.#reader.end();
    return this.#writer.finish(this.#diagnostics);
  }

  readonly shortcut = (data: Buffer, start: number): number => {
    if (this.#list < 0) return -1;
    const entry = this.#entry;
    const end = readPrimaryEntry(data, start, entry);
    if (end < 0) return -1;
    const sense = entry.flags === 0 ? 0 : SENSES.get(entry.flags);
    if (sense === undefined) return -1;
    const { heap } = this.#writer;
    const name = heap.intern(data, start + NAME_AT, entry.nameTo);
    const relation = sense === 0 ? this.#writer.relation(name, 0, 0, 0, 0) : this.#versioned(data, name, sense, entry);
    this.#lists[this.#list]!.push(relation);
    return end;
  };

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'entry') {
      if (this.#list >= 0) this.#lists[this.#list]!.push(this.#relation(attributes));
      return false;
    }
    if (name === 'file') return this.#inPackage;
    if (name === 'package') this.#begin();
    if (!this.#inPackage) return false;
    const element = ELEMENTS.get(name);
    switch (element?.kind) {
      case 'text':
        return true;
      case 'list':
        this.#list = element.number;
        return false;
      case 'version':
        this.#version(attributes);
        return false;
      case 'checksum': {
        this.#algorithm = algorithmOf(attributes.find('type'));
        return this.#algorithm !== undefined;
      }
      case 'location':
        this.#location(attributes);
        return false;
      case 'size':
        this.#fields[FIELD.size] = this.#count(attributes.find('package'));
        this.#fields[FIELD.installedSize] = this.#count(attributes.find('installed'));
        return false;
      case undefined:
        return false;
    }
  }

  close(name: string, text: XmlText): void {
    if (name === 'entry' || !this.#inPackage) return;
    if (name === 'file') {
      const { bytes, from, to } = text;
      // No dependency can name a path with a line end.
      if (!hasLineEnd(bytes, from, to)) this.#lists[FILES]!.push(this.#writer.heap.append(bytes, from, to));
      return;
    }
    if (name === 'package') return this.#end();
    const element = ELEMENTS.get(name);
    if (element?.kind === 'text') this.#fields[element.number] = this.#text(text);
    else if (element?.kind === 'list') this.#list = -1;
    else if (element?.kind === 'checksum') this.#checksum(text);
  }

  #begin(): void {
    this.#inPackage = true;
    this.#fields.fill(0);
    this.#misplaced = undefined;
    for (const list of this.#lists) list.cut(0);
    this.#list = -1;
  }

  #end(): void {
    this.#inPackage = false;
    const fault = this.#fault();
    if (fault !== undefined) {
      const name = this.#writer.heap.textAt(this.#fields[FIELD.name]!);
      this.#diagnostics.push({ package: name === '' ? '(without name)' : name, reason: fault });
      return;
    }
    const twin = this.#rows.known(this.#fields);
    if (twin !== undefined) {
      const { heap } = this.#writer;
      if (heap.textAt(this.#writer.field(twin, FIELD.digest)) === heap.textAt(this.#fields[FIELD.digest]!)) return;
      const name = heap.textAt(this.#fields[FIELD.name]!);
      this.#diagnostics.push({ package: name, reason: 'it is listed twice in one version, with different checksums; the first counts' });
      return;
    }
    this.#writer.add(this.#fields, this.#lists);
  }

  /** What is wrong with the package. */
  #fault(): string | undefined {
    if (!this.#isWord(FIELD.name) || !this.#isWord(FIELD.arch)) return 'it has no proper name or architecture';
    if (!this.#isWord(FIELD.version) || !this.#isWord(FIELD.release)) return 'it has no proper version';
    if (this.#fields[FIELD.digest] === 0) return 'it has no checksum of SHA-2';
    if (this.#misplaced !== undefined) return `it lies elsewhere (xml:base), ${this.#misplaced}`;
    if (this.#fields[FIELD.path] === 0) return 'it lies outside the repository';
    if (this.#fields[FIELD.size] === 0) return 'it has no proper size';
    return undefined;
  }

  /** True for a text without white space and slashes. */
  #isWord(column: number): boolean {
    const { heap } = this.#writer;
    const from = this.#fields[column]!;
    for (let at = from; ; at++) {
      const byte = heap.byteAt(at);
      if (byte === NEWLINE) return at > from;
      if (byte <= SPACE || byte === SLASH) return false;
    }
  }

  /** Notes the checksum of a package: its kind and its digits, or none for what is no digest. */
  #checksum({ bytes, from, to }: XmlText): void {
    const algorithm = this.#algorithm;
    if (algorithm === undefined) return;
    const [start, end] = trimmed(bytes, from, to);
    if (!isStatedHex(algorithm, bytes, start, end)) {
      this.#fields[FIELD.digest] = 0;
      return;
    }
    const kindLength = this.#digest.write(`${algorithm}:`, 'latin1');
    bytes.copy(this.#digest, kindLength, start, end);
    this.#fields[FIELD.digest] = this.#writer.heap.append(this.#digest, 0, kindLength + end - start);
  }

  /** Notes the place of a package, or none for one outside of its repository, and of the directory that is said to have it. */
  #location(attributes: XmlAttributes): void {
    const base = this.#baseOf(attributes.find('base')?.toString() ?? '');
    this.#fields[FIELD.archive] = base.archive;
    this.#misplaced = base.fault;
    const href = attributes.find('href');
    this.#fields[FIELD.path] =
      href !== undefined && (isPlainPath(href) || isBelow(href.toString())) ? this.#writer.heap.append(href.bytes, href.from, href.to) : 0;
  }

  #baseOf(text: string): Base {
    if (text === '') return NO_BASE;
    if (text === this.#lastBase.text) return this.#lastBase;
    const read = readLocationBase(text);
    if ('fault' in read) return (this.#lastBase = { text, archive: 0, fault: read.fault });
    const bytes = Buffer.from(read.archive);
    return (this.#lastBase = { text, archive: this.#writer.heap.intern(bytes, 0, bytes.length), fault: undefined });
  }

  #version(attributes: XmlAttributes): void {
    this.#fields[FIELD.epoch] = this.#epoch(attributes);
    this.#fields[FIELD.version] = this.#attribute(attributes, 'ver');
    this.#fields[FIELD.release] = this.#attribute(attributes, 'rel');
  }

  #versioned(data: Buffer, name: number, sense: number, entry: PrimaryEntry): number {
    const { heap } = this.#writer;
    const { epochFrom, epochTo, versionFrom, versionTo, releaseFrom, releaseTo } = entry;
    if (!heap.holds(this.#lastVersion, data, versionFrom, versionTo)) this.#lastVersion = heap.intern(data, versionFrom, versionTo);
    if (releaseFrom === 0) this.#lastRelease = 0;
    else if (!heap.holds(this.#lastRelease, data, releaseFrom, releaseTo)) this.#lastRelease = heap.intern(data, releaseFrom, releaseTo);
    const noEpoch = epochTo === epochFrom + 1 && data[epochFrom] === ZERO;
    const epoch = noEpoch ? 0 : this.#number(data, epochFrom, epochTo);
    return this.#writer.relation(name, sense, epoch, this.#lastVersion, this.#lastRelease);
  }

  #relation(attributes: XmlAttributes): number {
    const name = this.#attribute(attributes, 'name');
    const flags = attributes.find('flags');
    if (flags === undefined) return this.#writer.relation(name, 0, 0, 0, 0);
    const version = (this.#lastVersion = this.#likely(attributes.find('ver'), this.#lastVersion));
    const sense = version === 0 || flags.length !== 2 ? 0 : (SENSES.get(flags.bytes.readUInt16BE(flags.from)) ?? 0);
    if (sense === 0) return this.#writer.relation(name, 0, 0, 0, 0);
    const release = (this.#lastRelease = this.#likely(attributes.find('rel'), this.#lastRelease));
    return this.#writer.relation(name, sense, this.#epoch(attributes), version, release);
  }

  /** 0 for an epoch of 0, or one that is no number. */
  #epoch(attributes: XmlAttributes): number {
    const text = attributes.find('epoch');
    if (text === undefined || (text.length === 1 && text.bytes[text.from] === ZERO)) return 0;
    return this.#count(text);
  }

  /** A number of at most 15 digits; 0 for anything else, and for 0. */
  #count(text: XmlText | undefined): number {
    return text === undefined ? 0 : this.#number(text.bytes, text.from, text.to);
  }

  #number(bytes: Buffer, from: number, to: number): number {
    let first = from;
    while (first < to && bytes[first] === ZERO) first++;
    if (first === to || to - first > MAX_DIGITS) return 0;
    for (let at = first; at < to; at++) if (bytes[at]! < ZERO || bytes[at]! > NINE) return 0;
    return this.#writer.heap.intern(bytes, from, to);
  }

  /** A text that is probably one that is known. */
  #likely(text: XmlText | undefined, known: number): number {
    if (text === undefined) return 0;
    return this.#writer.heap.holds(known, text.bytes, text.from, text.to) ? known : this.#text(text);
  }

  #attribute(attributes: XmlAttributes, name: string): number {
    const text = attributes.find(name);
    return text === undefined ? 0 : this.#text(text);
  }

  /** Equal texts share their place; 0 for an empty one. */
  #text({ bytes, from, to }: XmlText): number {
    const [start, end] = trimmed(bytes, from, to);
    if (start === end) return 0;
    return hasLineEnd(bytes, start, end)
      ? this.#internLine(bytes.toString('utf8', start, end))
      : this.#writer.heap.intern(bytes, start, end);
  }

  #internLine(text: string): number {
    const bytes = Buffer.from(text.replaceAll('\n', ' '));
    return this.#writer.heap.intern(bytes, 0, bytes.length);
  }
}

/** Where a text begins and ends without white space around it. */
function trimmed(bytes: Uint8Array, from: number, to: number): readonly [start: number, end: number] {
  let [start, end] = [from, to];
  while (start < end && bytes[start]! <= SPACE) start++;
  while (start < end && bytes[end - 1]! <= SPACE) end--;
  return [start, end];
}

/** The kind of a checksum that counts. */
function algorithmOf(type: XmlText | undefined): ContentAlgorithm | undefined {
  if (type === undefined) return undefined;
  // Nearly all are of this kind, and a string for each takes a while.
  if (isSame(SHA256, type.bytes, type.from, type.to)) return 'sha256';
  const name = type.toString();
  return isContentAlgorithm(name) ? name : undefined;
}

/** True for a path of nothing but what may be anywhere in one that leads below; others are looked at closely. */
function isPlainPath({ bytes, from, to }: XmlText): boolean {
  if (from === to || bytes[from] === SLASH) return false;
  for (let at = from; at < to; at++) {
    const code = bytes[at]!;
    if (code === DOT ? at + 1 < to && (bytes[at + 1] === DOT || bytes[at + 1] === SLASH) : PLAIN[code] === 0) return false;
  }
  return true;
}

function hasLineEnd(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === NEWLINE) return true;
  return false;
}
