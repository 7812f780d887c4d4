import type { ChangelogEntry } from '@ict/plugin-api';
import type { IndexDiagnostic } from './primary-columns.js';
import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** Where packages and their changelogs stand: deeper ones are of elements that nobody knows. */
const PACKAGE_DEPTH = 1;
const CHANGELOG_DEPTH = 2;

/**
 * Reads other.xml, piece by piece, and keeps the newest entries of the changelogs of wanted packages; unknown elements are passed over.
 *
 * A package without checksum can be nobody's: it is left out with a diagnostic. Of a package that is listed twice the first entry counts.
 */
export class OtherReader implements XmlHandler {
  readonly #wanted: ReadonlyMap<string, DatedEntry[]>;
  readonly #newest: number;
  readonly #reader: XmlReader;
  readonly #diagnostics: IndexDiagnostic[] = [];
  /** Wanted packages that were listed. */
  readonly #listed = new Set<string>();
  #depth = 0;
  /** The entries of the package that is read; undefined for one that nobody wants. */
  #entries: DatedEntry[] | undefined;
  #author = '';
  #seconds = 0;

  /**
   * @param source names the document in messages.
   * @param wanted checksums of package files, as hex: how the document names packages.
   * @param newest entries of each that are kept.
   */
  constructor(source: string, wanted: Iterable<string>, newest: number) {
    this.#wanted = new Map(Array.from(wanted, (pkgid) => [pkgid, []]));
    this.#newest = newest;
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not well-formed. */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /**
   * @returns entries by checksum, the newest first.
   * @throws `ICT_RPM_INDEX_INVALID` for text that is not complete.
   */
  finish(): { readonly changelogs: ReadonlyMap<string, readonly ChangelogEntry[]>; readonly diagnostics: readonly IndexDiagnostic[] } {
    this.#reader.end();
    const changelogs = new Map(Array.from(this.#wanted, ([pkgid, entries]) => [pkgid, entries.map(({ entry }) => entry)]));
    return { changelogs, diagnostics: this.#diagnostics };
  }

  open(name: string, attributes: XmlAttributes): boolean {
    const depth = this.#depth++;
    if (depth === PACKAGE_DEPTH) {
      this.#entries = undefined;
      if (name === 'package') this.#package(attributes);
    }
    if (depth !== CHANGELOG_DEPTH || name !== 'changelog' || this.#entries === undefined) return false;
    this.#author = attributes.get('author')?.trim() ?? '';
    const date = attributes.get('date')?.trim() ?? '';
    this.#seconds = /^\d{1,11}$/.test(date) ? Number(date) : 0;
    return true;
  }

  close(name: string, text: XmlText): void {
    if (--this.#depth !== CHANGELOG_DEPTH || name !== 'changelog' || this.#entries === undefined) return;
    const entries = this.#entries;
    entries.unshift({ seconds: this.#seconds, entry: entryOf(this.#seconds, this.#author, text.trimmed()) });
    // Documents have the oldest first: of one second, the later entry is the newer one.
    entries.sort((a, b) => b.seconds - a.seconds);
    if (entries.length > this.#newest) entries.pop();
  }

  #package(attributes: XmlAttributes): void {
    const pkgid = attributes.get('pkgid') ?? '';
    if (pkgid === '') this.#diagnostics.push({ package: attributes.get('name') ?? '(without name)', reason: 'it has no checksum' });
    else if (!this.#listed.has(pkgid) && this.#wanted.has(pkgid)) {
      this.#listed.add(pkgid);
      this.#entries = this.#wanted.get(pkgid);
    }
  }
}

interface DatedEntry {
  /** Since 1970; 0 when it is not told. */
  readonly seconds: number;
  readonly entry: ChangelogEntry;
}

/** @param signed what packagers write as author: `Ann Other <ann@example.org> - 1:1.2-3`. */
function entryOf(seconds: number, signed: string, text: string): ChangelogEntry {
  const end = signed.lastIndexOf('>') + 1;
  const rest = signed.slice(end).trim().replace(/^-\s*/, '');
  const version = end > 0 && /^\S+$/.test(rest) && /\d/.test(rest) ? rest : undefined;
  return {
    ...(seconds === 0 ? {} : { date: new Date(seconds * 1000).toISOString().slice(0, 10) }),
    author: version === undefined ? signed : signed.slice(0, end),
    ...(version === undefined ? {} : { version }),
    text,
  };
}
