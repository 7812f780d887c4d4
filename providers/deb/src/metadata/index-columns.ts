import { TextLookupBuilder } from '@ict/package-index';
import type { LookupColumns } from '@ict/package-index';
import type { RelationColumns } from './relation-columns.js';
import { columnOf, INDEXED_FIELDS, scanStanzas, valueStart, valueStop, valueText } from './stanza-scan.js';
import type { DroppedStanza, StanzaTable } from './stanza-scan.js';

/** A part of the buffer that came from one index file. */
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

/** What is known of the packages of a repository: numbers over a run of bytes. Nothing is parsed yet but names. */
export interface IndexColumns {
  /** Where the values lie: the text of the index, or a heap of the values alone. */
  readonly bytes: Uint8Array;
  /** Offset of the value of field `f` of package `i`, at `i * INDEXED_FIELDS.length + f`; 0 when it is absent. */
  readonly fields: Uint32Array;
  /** By package: see {@link FLAG}. */
  readonly flags: Uint8Array;
  /** By package: place of its architecture in `architectures`. */
  readonly archs: Uint32Array;
  /** Debian architectures of the packages, as they come first. */
  readonly architectures: readonly string[];
  /** Relations that were read before; without them they are read from their fields. */
  readonly relations?: RelationColumns;
  /** Packages by their own name, and by what they provide. */
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

export const WIDTH = INDEXED_FIELDS.length;
const PACKAGE = columnOf('package');
const VERSION = columnOf('version');
const ARCHITECTURE = columnOf('architecture');
const SHA256 = columnOf('sha256');
const PROVIDES = columnOf('provides');
const PRIORITY = columnOf('priority');
const ESSENTIAL = columnOf('essential');
const PROTECTED = columnOf('protected');
const MULTIARCH = columnOf('multi-arch');

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
 */
export function readColumns(bytes: Uint8Array, segments: readonly IndexSegment[]): IndexColumns {
  const stanzas = scanStanzas(bytes);
  const dropped = [...stanzas.dropped];
  let usable = namedStanzas(bytes, stanzas, dropped);
  let names = lookupNames(bytes, stanzas.fields, usable);
  const repeated = repeatedRows(bytes, stanzas, usable, names, segments, dropped);
  if (repeated.size > 0) {
    usable = usable.filter((_, row) => !repeated.has(row));
    names = lookupNames(bytes, stanzas.fields, usable);
  }
  const fields = usable.length === stanzas.count ? stanzas.fields.subarray(0, usable.length * WIDTH) : pick(stanzas.fields, usable);
  return {
    bytes,
    fields,
    flags: readFlags(bytes, fields),
    ...readArchitectures(bytes, fields),
    names,
    provides: lookupProvides(bytes, fields),
    diagnostics: locate(bytes, segments, dropped),
  };
}

/** Lookups over values that lie elsewhere than before. */
export function lookupsOf(bytes: Uint8Array, fields: Uint32Array): Pick<IndexColumns, 'names' | 'provides'> {
  const rows = Uint32Array.from({ length: fields.length / WIDTH }, (_, row) => row);
  return { names: lookupNames(bytes, fields, rows), provides: lookupProvides(bytes, fields) };
}

/** Stanzas whose package name and architecture are such. */
function namedStanzas(bytes: Uint8Array, { count, fields, starts }: StanzaTable, dropped: DroppedStanza[]): Uint32Array {
  const usable = new Uint32Array(count);
  let length = 0;
  let lastArch = -1;
  for (let stanza = 0; stanza < count; stanza++) {
    const name = fields[stanza * WIDTH + PACKAGE];
    const arch = fields[stanza * WIDTH + ARCHITECTURE];
    const archIsKnown = lastArch >= 0 && isSame(bytes, arch, lastArch);
    if (isWord(bytes, name) && (archIsKnown || /^[a-z0-9][a-z0-9-]*$/.test(valueText(bytes, arch)))) {
      usable[length++] = stanza;
      lastArch = arch;
    } else {
      const offset = starts[stanza];
      const called = valueText(bytes, name);
      const reason = `"${called}:${valueText(bytes, arch)}" is not a package name and architecture`;
      dropped.push({
        offset,
        reason,
        package: called,
        field: isWord(bytes, name) ? 'Architecture' : 'Package',
      });
    }
  }
  return usable.subarray(0, length);
}

/** True when two values begin with the same line. */
function isSame(bytes: Uint8Array, a: number, b: number): boolean {
  for (let i = 0; bytes[a + i] === bytes[b + i]; i++) if (bytes[a + i] === NEWLINE || a + i >= bytes.length) return true;
  return false;
}

/** dpkg's rule for package names; upper case is in the wild outside Debian. */
function isWord(bytes: Uint8Array, from: number): boolean {
  const start = valueStart(bytes, from);
  const stop = valueStop(bytes, start);
  if (start === stop || NAME_BYTES[bytes[start]] < 2) return false;
  for (let at = start; at < stop; at++) if (NAME_BYTES[bytes[at]] === 0) return false;
  return true;
}

function lookupNames(bytes: Uint8Array, fields: Uint32Array, stanzas: Uint32Array): LookupColumns {
  const builder = new TextLookupBuilder(bytes, stanzas.length);
  for (let row = 0; row < stanzas.length; row++) {
    const start = valueStart(bytes, fields[stanzas[row] * WIDTH + PACKAGE]);
    builder.add(start, valueStop(bytes, start), row);
  }
  return builder.build();
}

/** Names in `Provides`; whether an entry is valid is seen when it is used. */
function lookupProvides(bytes: Uint8Array, fields: Uint32Array): LookupColumns {
  const count = fields.length / WIDTH;
  const builder = new TextLookupBuilder(bytes, count);
  for (let row = 0; row < count; row++) {
    const from = fields[row * WIDTH + PROVIDES];
    if (from === 0) continue;
    let at = valueStart(bytes, from);
    const stop = valueStop(bytes, at);
    while (at < stop) {
      while (at < stop && NAME_BYTES[bytes[at]] === 0) at++;
      const start = at;
      while (at < stop && NAME_BYTES[bytes[at]] !== 0) at++;
      if (at > start) builder.add(start, at, row);
      while (at < stop && bytes[at] !== COMMA) at++;
    }
  }
  return builder.build();
}

/** Rows of packages that an earlier row has, too, with the same version and architecture. */
function repeatedRows(
  bytes: Uint8Array,
  { fields, starts }: StanzaTable,
  usable: Uint32Array,
  { ends, rows }: LookupColumns,
  segments: readonly IndexSegment[],
  dropped: DroppedStanza[],
): ReadonlySet<number> {
  const repeated = new Set<number>();
  const value = (row: number, column: number): string => valueText(bytes, fields[usable[row] * WIDTH + column]);
  const segmentOf = (row: number): IndexSegment | undefined => segments.findLast(({ offset }) => offset <= starts[usable[row]]);
  for (let key = 0, begin = 0; key < ends.length; begin = ends[key++]) {
    if (ends[key] - begin < 2) continue;
    const seen = new Map<string, number>();
    for (const row of rows.subarray(begin, ends[key])) {
      const identity = `${value(row, VERSION)} ${value(row, ARCHITECTURE)}`;
      const first = seen.get(identity);
      if (first === undefined) {
        seen.set(identity, row);
        continue;
      }
      repeated.add(row);
      const same = value(first, SHA256).toLowerCase() === value(row, SHA256).toLowerCase();
      if (same && segmentOf(first) !== segmentOf(row)) continue;
      const offset = starts[usable[row]];
      const reason = `it has ${value(row, PACKAGE)} ${identity} a second time${same ? '' : ', with another SHA256'}; the first counts`;
      dropped.push({ offset, reason, package: value(row, PACKAGE), field: same ? 'Package' : 'SHA256' });
    }
  }
  return repeated;
}

function pick(fields: Uint32Array, stanzas: Uint32Array): Uint32Array {
  const picked = new Uint32Array(stanzas.length * WIDTH);
  stanzas.forEach((stanza, row) => picked.set(fields.subarray(stanza * WIDTH, (stanza + 1) * WIDTH), row * WIDTH));
  return picked;
}

/** Architectures as numbers: neighbours mostly have the same, and there are few. */
function readArchitectures(bytes: Uint8Array, fields: Uint32Array): Pick<IndexColumns, 'archs' | 'architectures'> {
  const archs = new Uint32Array(fields.length / WIDTH);
  const places = new Map<string, number>();
  let last = -1;
  for (let row = 0; row < archs.length; row++) {
    const at = fields[row * WIDTH + ARCHITECTURE];
    if (last >= 0 && isSame(bytes, at, last)) archs[row] = archs[row - 1];
    else {
      const arch = valueText(bytes, at);
      archs[row] = places.get(arch) ?? places.size;
      places.set(arch, archs[row]);
    }
    last = at;
  }
  return { archs, architectures: [...places.keys()] };
}

function readFlags(bytes: Uint8Array, fields: Uint32Array): Uint8Array {
  const flags = new Uint8Array(fields.length / WIDTH);
  for (let row = 0; row < flags.length; row++) {
    const at = row * WIDTH;
    const priority = fields[at + PRIORITY];
    flags[row] =
      FLAG.essential * wordAt(bytes, fields[at + ESSENTIAL], YES_OR_NO, NO) +
      FLAG.protected * wordAt(bytes, fields[at + PROTECTED], YES_OR_NO, NO) +
      FLAG.multiArch * wordAt(bytes, fields[at + MULTIARCH], MULTI_ARCH_BYTES, NO) +
      FLAG.priority * (priority === 0 ? OPTIONAL : wordAt(bytes, priority, PRIORITY_BYTES, PRIORITIES.length));
  }
  return flags;
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

/** Turns places in the buffer into places in the files that it came from, in one pass. */
function locate(bytes: Uint8Array, segments: readonly IndexSegment[], dropped: readonly DroppedStanza[]): readonly IndexDiagnostic[] {
  const files = [...segments].sort((a, b) => a.offset - b.offset);
  let [path, next, line, at] = ['Packages', 0, 1, 0];
  const goTo = (offset: number): void => {
    for (; at < offset; at++) if (bytes[at] === NEWLINE) line++;
  };
  return [...dropped]
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, ...stanza }) => {
      for (; next < files.length && files[next].offset <= offset; next++) {
        goTo(files[next].offset);
        path = files[next].path;
        line = 1;
      }
      goTo(offset);
      return { ...stanza, path, line };
    });
}
