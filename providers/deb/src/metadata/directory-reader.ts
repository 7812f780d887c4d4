import { MAX_PAGES } from '@ict/assembly';
import { debError } from '../errors.js';
import { loadDirectoryModule } from './directory-module.js';
import type { DirectoryModule } from './directory-module.js';
import type { IndexDirectory, IndexSegment } from './index-directory.js';
import { WINDOW_BYTES } from './index-text.js';
import type { IndexText, TextReader, TextWindow } from './index-text.js';
import { NAME_BYTES } from './name-bytes.js';
import { columnOf, missingField, StanzaScanner, valueText } from './stanza-scan.js';
import type { DroppedStanza } from './stanza-scan.js';

const PACKAGE = columnOf('package');
const VERSION = columnOf('version');
const ARCHITECTURE = columnOf('architecture');
const SHA256 = columnOf('sha256');

/** Bytes of a stanza, for what is set aside at first. */
const STANZA_BYTES = 800;

/** What the module tells at the end: numbers of 32 bits, and bytes. */
const COLUMNS = [
  'starts',
  'stops',
  'keys',
  'versions',
  'archs',
  'flags',
  'versionTexts',
  'words',
  'wordSlots',
  'wordStarts',
  'wordLengths',
  'nameEnds',
  'nameRows',
  'provideEnds',
  'provideRows',
  'archTexts',
  'archStarts',
  'archLengths',
] as const;

type Column = (typeof COLUMNS)[number];

/**
 * Makes a directory of stanzas as they come by. What is done for every stanza is done by the module of `assembly`; this has the text read into its memory, and says
 * what is wrong with stanzas that are left out.
 */
export class DirectoryReader implements TextReader {
  readonly window: TextWindow;
  /** Stanzas that are left out, so far. */
  readonly dropped: DroppedStanza[] = [];
  readonly #text: IndexText;
  readonly #segments: readonly IndexSegment[];
  readonly #module: DirectoryModule;
  /** Digests of packages that came again, by where they came first. */
  readonly #digests = new Map<number, string>();

  /** @param maxPages pages of 64 KiB that may be used. */
  constructor(text: IndexText, segments: readonly IndexSegment[], maxPages = MAX_PAGES) {
    this.#text = text;
    this.#segments = segments;
    const module = loadDirectoryModule(
      {
        leftOut: (start, stop, offset, firstStart, firstStop) =>
          this.#leaveOut(this.#bytes(start >>> 0, stop >>> 0), offset >>> 0, firstStart >>> 0, firstStop >>> 0),
        full: () => {
          throw tooMuch(segments);
        },
      },
      maxPages,
    );
    this.#module = module;
    module.begin(Math.ceil(text.sizeBytes / STANZA_BYTES), WINDOW_BYTES);
    new Uint8Array(module.memory.buffer, module.nameBytes.value).set(NAME_BYTES);
    this.window = new ModuleWindow(module, WINDOW_BYTES);
  }

  /** @param bytes the first ones of the window. */
  read(bytes: Uint8Array, offset: number, isLast: boolean): number {
    return this.#module.read(bytes.length, offset, isLast);
  }

  /** What was found: views of the module's memory, which lives as long as they do. */
  finish(): Omit<IndexDirectory, 'diagnostics'> {
    const start = this.#module.finish() >>> 0;
    // Not before: the memory may have grown.
    const { buffer } = this.#module.memory;
    const places = new Uint32Array(buffer, start, 2 * COLUMNS.length);
    const numbers = (column: Column): Uint32Array => {
      const at = 2 * COLUMNS.indexOf(column);
      return new Uint32Array(buffer, places[at], places[at + 1]);
    };
    const bytes = (column: Column): Uint8Array => {
      const at = 2 * COLUMNS.indexOf(column);
      return new Uint8Array(buffer, places[at], places[at + 1]);
    };
    const keys = { slots: numbers('wordSlots'), starts: numbers('wordStarts'), lengths: numbers('wordLengths') };
    const archTexts = Buffer.from(bytes('archTexts'));
    const archLengths = numbers('archLengths');
    return {
      starts: numbers('starts'),
      stops: numbers('stops'),
      keys: numbers('keys'),
      versions: numbers('versions'),
      versionTexts: bytes('versionTexts'),
      flags: bytes('flags'),
      archs: numbers('archs'),
      architectures: Array.from(numbers('archStarts'), (start, i) => archTexts.toString('latin1', start, start + archLengths[i])),
      words: bytes('words'),
      names: { ...keys, ends: numbers('nameEnds'), rows: numbers('nameRows') },
      provides: { ...keys, ends: numbers('provideEnds'), rows: numbers('provideRows') },
    };
  }

  /** A part of the memory, until it grows. */
  #bytes(start: number, stop: number): Buffer {
    return Buffer.from(this.#module.memory.buffer, start, stop - start);
  }

  /** Says why a stanza is left out. @param firstStop 0 unless there is an earlier one of the same package, at `firstStart`. */
  #leaveOut(bytes: Uint8Array, offset: number, firstStart: number, firstStop: number): void {
    const { fields, fault } = scanned(bytes);
    if (firstStop > 0) {
      this.#takeRepeated(bytes, fields, offset, this.#digestOf(firstStart, firstStop), firstStart);
      return;
    }
    const called = fields[PACKAGE] === 0 ? '' : valueText(bytes, fields[PACKAGE]);
    if (fault !== undefined) {
      this.dropped.push({ ...fault, offset: offset + fault.offset, ...(called === '' ? {} : { package: called }) });
      return;
    }
    const lacking = missingField(fields);
    if (lacking !== undefined) {
      this.dropped.push({ offset, reason: `it has no ${lacking}`, ...(called === '' ? {} : { package: called }), field: lacking });
      return;
    }
    const reason = `"${called}:${valueText(bytes, fields[ARCHITECTURE])}" is not a package name and architecture`;
    this.dropped.push({ offset, reason, package: called, field: isName(called) ? 'Architecture' : 'Package' });
  }

  /** Tells of a package that an earlier stanza is of, too, unless it is the same in another file. */
  #takeRepeated(bytes: Uint8Array, fields: Uint32Array, offset: number, digest: string, firstStart: number): void {
    const same = digest === valueText(bytes, fields[SHA256]).toLowerCase();
    if (same && this.#segmentOf(firstStart) !== this.#segmentOf(offset)) return;
    const [name, ...rest] = [PACKAGE, VERSION, ARCHITECTURE].map((column) => valueText(bytes, fields[column])) as [string];
    const reason = `it has ${[name, ...rest].join(' ')} a second time${same ? '' : ', with another SHA256'}; the first counts`;
    this.dropped.push({ offset, reason, package: name, field: same ? 'Package' : 'SHA256' });
  }

  #segmentOf(offset: number): IndexSegment | undefined {
    return this.#segments.findLast((segment) => segment.offset <= offset);
  }

  /** The digest of an earlier package, which is read again: few come twice. Those that do may come often, and are read once. */
  #digestOf(start: number, stop: number): string {
    let digest = this.#digests.get(start);
    if (digest === undefined) {
      const bytes = this.#text.peek(start, stop);
      this.#digests.set(start, (digest = valueText(bytes, scanned(bytes).fields[SHA256]).toLowerCase()));
    }
    return digest;
  }
}

/** The part of the module's memory that text is read into. */
class ModuleWindow implements TextWindow {
  readonly #module: DirectoryModule;
  #sizeBytes: number;

  constructor(module: DirectoryModule, sizeBytes: number) {
    this.#module = module;
    this.#sizeBytes = sizeBytes;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#module.memory.buffer, this.#module.windowStart() >>> 0, this.#sizeBytes);
  }

  widen(): void {
    this.#module.widen();
    this.#sizeBytes *= 2;
  }
}

/** A single stanza. */
function scanned(bytes: Uint8Array): StanzaScanner {
  const scanner = new StanzaScanner(bytes);
  scanner.next(0, bytes.length, true);
  return scanner;
}

/** dpkg's rule for package names; upper case is in the wild outside Debian. */
function isName(text: string): boolean {
  const bytes = Buffer.from(text);
  return bytes.length > 0 && NAME_BYTES[bytes[0]] === 2 && bytes.every((byte) => NAME_BYTES[byte] > 0);
}

function tooMuch(segments: readonly IndexSegment[]): Error {
  const paths = segments.map(({ path }) => path);
  return debError('ICT_DEB_INDEX_INVALID', {
    message: `the indexes of a repository (${paths.join(', ')}) have more packages, or longer ones, than 4 GiB of memory have room for`,
    hint: 'Name fewer components of the repository, or report it to the repository: no real one has so much.',
    facts: { paths },
  });
}
