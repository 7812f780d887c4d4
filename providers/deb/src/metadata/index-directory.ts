import type { LookupColumns } from '@ict/package-index';
import { debError } from '../errors.js';
import { DirectoryReader } from './directory-reader.js';
import type { IndexText } from './index-text.js';
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

/** Offsets are numbers of 32 bits. */
const MAX_TEXT_BYTES = 0xffff_ffff;

const NEWLINE = 0x0a;

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
  return { ...reader.finish(), diagnostics: locate(text, segments, reader.dropped) };
}

function tooLarge(sizeBytes: number, segments: readonly IndexSegment[]): Error {
  const paths = segments.map(({ path }) => path);
  return debError('ICT_DEB_INDEX_INVALID', {
    message: `the indexes of a repository (${paths.join(', ')}) have ${sizeBytes} bytes together, more than the ${MAX_TEXT_BYTES} that are read`,
    hint: 'Name fewer components of the repository, or report it to the repository: no real one has so much.',
    facts: { paths, sizeBytes },
  });
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
