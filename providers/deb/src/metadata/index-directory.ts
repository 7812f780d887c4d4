import { equalBytes, NumberColumn, RowsByKey, TextHeap, TextKeys } from '@ict/package-index';
import type { LookupColumns } from '@ict/package-index';
import { debError } from '../errors.js';
import type { IndexText, TextReader } from './index-text.js';
import { columnOf, missingField, StanzaScanner, valueStart, valueStop, valueText } from './stanza-scan.js';
import type { DroppedStanza } from './stanza-scan.js';

/** A part of the text that came from one index file. */
export interface IndexSegment {
  /** Path of the index, for messages. */
  readonly path: string;
  /** Offset of its first byte. */
  readonly offset: number;
}

/** A stanza that was left out. */
export interface IndexDiagnostic {
  readonly path: string;
  /** Line in the decompressed index, from 1. */
  readonly line: number;
  readonly reason: string;
  /** The package, as far as its stanza says. */
  readonly package?: string;
  /** The field that is missing or wrong, when it is one. */
  readonly field?: string;
}

/** Where the packages of a repository lie in its text, and how they are found there. Nothing of them is read yet but what finds them. */
export interface IndexDirectory {
  /** By package: offset of the first byte of its stanza in the text, and of the one after its last. */
  readonly starts: Uint32Array;
  readonly stops: Uint32Array;
  /** By package: key of its name. */
  readonly keys: Uint32Array;
  /** By package: where its version lies in `versionTexts`, ended as in a stanza. What satisfies a relation is found by name and version alone. */
  readonly versions: Uint32Array;
  readonly versionTexts: Uint8Array;
  /** By package: see {@link FLAG}. */
  readonly flags: Uint8Array;
  /** By package: place of its architecture in `architectures`. */
  readonly archs: Uint32Array;
  /** Debian architectures of the packages, as they come first. */
  readonly architectures: readonly string[];
  /** Where the texts of keys lie. */
  readonly words: Uint8Array;
  /** Packages by their own name, and by what they provide: of one table of keys. */
  readonly names: LookupColumns;
  readonly provides: LookupColumns;
  readonly diagnostics: readonly IndexDiagnostic[];
}

/** Bits of a package's flags. */
export const FLAG = { essential: 1, protected: 2, multiArch: 4, priority: 16 } as const;

/** Values of Multi-Arch, by their two bits from {@link FLAG.multiArch}. */
export const MULTI_ARCH = ['no', 'same', 'foreign', 'allowed'] as const;

/** Priorities, the highest first, by their three bits from {@link FLAG.priority}; any other value comes after them. */
export const PRIORITIES = ['required', 'important', 'standard', 'optional', 'extra'] as const;

const PACKAGE = columnOf('package');
const VERSION = columnOf('version');
const ARCHITECTURE = columnOf('architecture');
const SHA256 = columnOf('sha256');
const PROVIDES = columnOf('provides');
const PRIORITY = columnOf('priority');
const ESSENTIAL = columnOf('essential');
const PROTECTED = columnOf('protected');
const MULTIARCH = columnOf('multi-arch');

/** Offsets are numbers of 32 bits. */
const MAX_TEXT_BYTES = 0xffff_ffff;

/** Bytes of a stanza and of a version, for what is set aside at first. */
const STANZA_BYTES = 800;
const VERSION_BYTES = 12;

const COMMA = 0x2c;
const NEWLINE = 0x0a;

const NO = 0;
const OPTIONAL = PRIORITIES.indexOf('optional');
const YES_OR_NO = [Buffer.from('no'), Buffer.from('yes')];
const MULTI_ARCH_BYTES = MULTI_ARCH.map((value) => Buffer.from(value));
const PRIORITY_BYTES = PRIORITIES.map((value) => Buffer.from(value));

/** By byte: 1 when a package name may have it, 2 when it may also begin with it. */
export const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Za-z0-9]/.test(character) ? 2 : /[+._-]/.test(character) ? 1 : 0;
});

/**
 * Reads the decompressed text of `Packages` files. Of a stanza that comes twice the first counts; the other is reported, unless it says
 * the same in another file, as packages of architecture `all` do.
 *
 * @param segments where each file begins.
 * @throws `ICT_DEB_INDEX_INVALID` when the text has more than 4 GiB.
 */
export function readDirectory(text: IndexText, segments: readonly IndexSegment[]): IndexDirectory {
  if (text.sizeBytes > MAX_TEXT_BYTES) throw tooLarge(text.sizeBytes, segments);
  const reader = new DirectoryReader(text, segments);
  text.scan(reader);
  const { dropped, ...directory } = reader.finish();
  return { ...directory, diagnostics: locate(text, segments, dropped) };
}

function tooLarge(sizeBytes: number, segments: readonly IndexSegment[]): Error {
  const paths = segments.map(({ path }) => path);
  return debError('ICT_DEB_INDEX_INVALID', {
    message: `the indexes of a repository (${paths.join(', ')}) have ${sizeBytes} bytes together, more than the ${MAX_TEXT_BYTES} that are read`,
    hint: 'Name fewer components of the repository, or report it to the repository: no real one has so much.',
    facts: { paths, sizeBytes },
  });
}

/** Makes a directory of stanzas as they come by. */
class DirectoryReader implements TextReader {
  readonly #text: IndexText;
  readonly #segments: readonly IndexSegment[];
  readonly #starts: NumberColumn;
  readonly #stops: NumberColumn;
  readonly #keys: NumberColumn;
  readonly #flags: NumberColumn;
  readonly #archs: NumberColumn;
  readonly #versions: NumberColumn;
  readonly #versionTexts: TextHeap;
  /** Names of packages, and of what they provide. */
  readonly #words: TextKeys;
  readonly #names: RowsByKey;
  readonly #provides: RowsByKey;
  /** By key of a name: its last package + 1. */
  readonly #last: NumberColumn;
  /** Packages of names that have several, by name, architecture and version; and the first of each such name. */
  readonly #several = new Map<string, number>();
  /** Digests of packages that came again. */
  readonly #digests = new Map<number, string>();
  readonly #architectures = new Map<string, number>();
  /** The architecture of the last package, which mostly is that of the next, as bytes and as its place. */
  #arch: Uint8Array = new Uint8Array(0);
  #archPlace = 0;
  readonly #dropped: DroppedStanza[] = [];

  constructor(text: IndexText, segments: readonly IndexSegment[]) {
    const count = Math.ceil(text.sizeBytes / STANZA_BYTES);
    this.#text = text;
    this.#segments = segments;
    this.#starts = new NumberColumn(count);
    this.#stops = new NumberColumn(count);
    this.#keys = new NumberColumn(count);
    this.#flags = new NumberColumn(count);
    this.#archs = new NumberColumn(count);
    this.#versions = new NumberColumn(count);
    this.#versionTexts = new TextHeap(VERSION_BYTES * count, count);
    this.#words = new TextKeys(undefined, 2 * count);
    this.#names = new RowsByKey(count);
    this.#provides = new RowsByKey(count);
    this.#last = new NumberColumn(2 * count);
  }

  read(bytes: Uint8Array, offset: number, isLast: boolean): number {
    const scanner = new StanzaScanner(bytes);
    let position = 0;
    for (;;) {
      const next = scanner.next(position, bytes.length, isLast);
      if (next < 0) return isLast ? bytes.length : position;
      this.#take(bytes, scanner, offset);
      position = next;
    }
  }

  finish(): Omit<IndexDirectory, 'diagnostics'> & { readonly dropped: readonly DroppedStanza[] } {
    const columns = this.#words.columns();
    const { size } = this.#words;
    return {
      starts: this.#starts.numbers,
      stops: this.#stops.numbers,
      keys: this.#keys.numbers,
      versions: this.#versions.numbers,
      versionTexts: this.#versionTexts.bytes,
      flags: Uint8Array.from(this.#flags.numbers),
      archs: this.#archs.numbers,
      architectures: [...this.#architectures.keys()],
      words: this.#words.bytes,
      names: { ...columns, ...this.#names.build(size) },
      provides: { ...columns, ...this.#provides.build(size) },
      dropped: this.#dropped,
    };
  }

  /** @param offset of the bytes in the whole text. */
  #take(bytes: Uint8Array, { fields, start, stop, fault }: StanzaScanner, offset: number): void {
    const lacking = fault === undefined ? missingField(fields) : undefined;
    if (fault !== undefined || lacking !== undefined) {
      const name = fields[PACKAGE] === 0 ? '' : valueText(bytes, fields[PACKAGE]);
      this.#dropped.push({
        ...(fault === undefined ? { offset: offset + start, reason: `it has no ${lacking}` } : { ...fault, offset: offset + fault.offset }),
        ...(name === '' ? {} : { package: name }),
        ...(lacking === undefined ? {} : { field: lacking }),
      });
      return;
    }
    const nameStart = valueStart(bytes, fields[PACKAGE]);
    const nameStop = valueStop(bytes, nameStart);
    const isNamed = isWord(bytes, nameStart, nameStop);
    const arch = isNamed ? this.#architecture(bytes, fields[ARCHITECTURE]) : -1;
    if (arch < 0) {
      const called = valueText(bytes, fields[PACKAGE]);
      const reason = `"${called}:${valueText(bytes, fields[ARCHITECTURE])}" is not a package name and architecture`;
      this.#dropped.push({ offset: offset + start, reason, package: called, field: isNamed ? 'Architecture' : 'Package' });
      return;
    }
    const key = this.#words.keyOf(nameStart, nameStop, bytes);
    const versionStart = valueStart(bytes, fields[VERSION]);
    const version = this.#versionTexts.intern(bytes, versionStart, valueStop(bytes, versionStart));
    if (this.#isRepeated(bytes, fields, key, arch, version, offset + start)) return;
    const row = this.#starts.length;
    this.#starts.push(offset + start);
    this.#stops.push(offset + stop);
    this.#keys.push(key);
    this.#archs.push(arch);
    this.#versions.push(version);
    this.#flags.push(flagsOf(bytes, fields));
    this.#names.add(key, row);
    if (fields[PROVIDES] !== 0) this.#addProvided(bytes, fields[PROVIDES], row);
    while (this.#last.length < this.#words.size) this.#last.push(0);
    this.#last.set(key, row + 1);
  }

  /** Place of an architecture; -1 when it is none. */
  #architecture(bytes: Uint8Array, from: number): number {
    const start = valueStart(bytes, from);
    const stop = valueStop(bytes, start);
    if (stop > start && stop - start === this.#arch.length && equalBytes(this.#arch, 0, bytes, start, stop - start)) return this.#archPlace;
    const text = valueText(bytes, from);
    if (!/^[a-z0-9][a-z0-9-]*$/.test(text)) return -1;
    const place = this.#architectures.get(text) ?? this.#architectures.size;
    this.#architectures.set(text, place);
    this.#arch = bytes.slice(start, stop);
    return (this.#archPlace = place);
  }

  /** Names in `Provides`; whether an entry is valid is seen when it is used. */
  #addProvided(bytes: Uint8Array, from: number, row: number): void {
    let at = valueStart(bytes, from);
    const stop = valueStop(bytes, at);
    while (at < stop) {
      while (at < stop && NAME_BYTES[bytes[at]] === 0) at++;
      const start = at;
      while (at < stop && NAME_BYTES[bytes[at]] !== 0) at++;
      if (at > start) this.#provides.add(this.#words.keyOf(start, at, bytes), row);
      while (at < stop && bytes[at] !== COMMA) at++;
    }
  }

  /** Whether an earlier package has the same name, version and architecture; tells of it unless it is the same in another file. */
  #isRepeated(bytes: Uint8Array, fields: Uint32Array, key: number, arch: number, version: number, offset: number): boolean {
    const last = key < this.#last.length ? this.#last.at(key) : 0;
    if (last === 0) return false;
    const identityOf = (row: number): string => `${key} ${this.#archs.at(row)} ${this.#versions.at(row)}`;
    const identity = `${key} ${arch} ${version}`;
    // Of most names there is one package, which is noted when another comes.
    if (!this.#several.has(`${key}`)) this.#several.set(`${key}`, last - 1).set(identityOf(last - 1), last - 1);
    const first = this.#several.get(identity);
    if (first === undefined) {
      this.#several.set(identity, this.#starts.length);
      return false;
    }
    const same = this.#digestOf(first) === valueText(bytes, fields[SHA256]).toLowerCase();
    if (same && this.#segmentOf(this.#starts.at(first)) !== this.#segmentOf(offset)) return true;
    const [name, ...rest] = [PACKAGE, VERSION, ARCHITECTURE].map((column) => valueText(bytes, fields[column])) as [string];
    const reason = `it has ${[name, ...rest].join(' ')} a second time${same ? '' : ', with another SHA256'}; the first counts`;
    this.#dropped.push({ offset, reason, package: name, field: same ? 'Package' : 'SHA256' });
    return true;
  }

  #segmentOf(offset: number): IndexSegment | undefined {
    return this.#segments.findLast((segment) => segment.offset <= offset);
  }

  /** The digest of an earlier package, which is read again: few come twice. Those that do may come often, and are read once. */
  #digestOf(row: number): string {
    let digest = this.#digests.get(row);
    if (digest === undefined) {
      const bytes = this.#text.peek(this.#starts.at(row), this.#stops.at(row));
      const scanner = new StanzaScanner(bytes);
      scanner.next(0, bytes.length, true);
      this.#digests.set(row, (digest = valueText(bytes, scanner.fields[SHA256]).toLowerCase()));
    }
    return digest;
  }
}

/** dpkg's rule for package names; upper case is in the wild outside Debian. */
function isWord(bytes: Uint8Array, start: number, stop: number): boolean {
  if (start === stop || NAME_BYTES[bytes[start]] < 2) return false;
  for (let at = start; at < stop; at++) if (NAME_BYTES[bytes[at]] === 0) return false;
  return true;
}

function flagsOf(bytes: Uint8Array, fields: Uint32Array): number {
  const priority = fields[PRIORITY];
  return (
    FLAG.essential * wordAt(bytes, fields[ESSENTIAL], YES_OR_NO, NO) +
    FLAG.protected * wordAt(bytes, fields[PROTECTED], YES_OR_NO, NO) +
    FLAG.multiArch * wordAt(bytes, fields[MULTIARCH], MULTI_ARCH_BYTES, NO) +
    FLAG.priority * (priority === 0 ? OPTIONAL : wordAt(bytes, priority, PRIORITY_BYTES, PRIORITIES.length))
  );
}

/** Place of a value in a list of lower-case words; `otherwise` when it is none of them, or absent. */
function wordAt(bytes: Uint8Array, from: number, words: readonly Uint8Array[], otherwise: number): number {
  if (from === 0) return otherwise;
  for (let place = 0; place < words.length; place++) if (isValue(bytes, from, words[place])) return place;
  return otherwise;
}

/** True when a value is a lower-case word, whatever its case. */
function isValue(bytes: Uint8Array, from: number, word: Uint8Array): boolean {
  const start = valueStart(bytes, from);
  for (let i = 0; i < word.length; i++) if ((bytes[start + i] | 0x20) !== word[i]) return false;
  return valueStop(bytes, start) - start === word.length;
}

/** Turns places in the text into places in its files, in one pass over it. */
function locate(text: IndexText, segments: readonly IndexSegment[], dropped: readonly DroppedStanza[]): readonly IndexDiagnostic[] {
  if (dropped.length === 0) return [];
  const files = [...segments].sort((a, b) => a.offset - b.offset);
  const stanzas = [...dropped].sort((a, b) => a.offset - b.offset);
  const found: IndexDiagnostic[] = [];
  let [path, next, line] = ['Packages', 0, 1];
  text.scan({
    read(bytes, offset) {
      for (let at = 0; at < bytes.length && found.length < stanzas.length; at++) {
        for (; next < files.length && files[next].offset <= offset + at; next++) [path, line] = [files[next].path, 1];
        while (stanzas[found.length]?.offset === offset + at) {
          const { reason, package: name, field } = stanzas[found.length];
          found.push({ path, line, reason, ...(name === undefined ? {} : { package: name }), ...(field === undefined ? {} : { field }) });
        }
        if (bytes[at] === NEWLINE) line++;
      }
      return bytes.length;
    },
  });
  return found;
}
