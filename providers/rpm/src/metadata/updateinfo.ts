import { hasCode } from '@ict/plugin-api';
import { NumberColumn, TextHeap, TextLookupBuilder } from '@ict/package-index';
import { ADVISORY_WIDTH, FIX, FIX_WIDTH } from './advisory-columns.js';
import type { AdvisoryColumns } from './advisory-columns.js';
import { endOf } from './column-writer.js';
import { formatEvr, parseEvr } from '../relations/evr.js';
import type { IndexDiagnostic } from './primary-columns.js';
import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

const CVE = /CVE-\d{4}-\d{4,7}/g;
/** What stands for "none" where a severity could be. */
const NO_SEVERITY = 'none';
const RETRACTED = 'retracted';
const WORD = /^[^\s/]+$/;

/**
 * Reads updateinfo.xml, piece by piece, into columns; unknown elements are passed over, texts that only people read as well, save the title.
 *
 * An advisory without id is left out with a diagnostic, as is a package of one that lacks its name, version or architecture; the rest stays usable.
 * Advisories that were retracted do not count.
 */
export class UpdateinfoReader implements XmlHandler {
  readonly #reader: XmlReader;
  readonly #heap = new TextHeap(1 << 12, 1 << 8);
  readonly #advisories = new NumberColumn();
  readonly #cves = new NumberColumn();
  readonly #fixes = new NumberColumn();
  readonly #diagnostics: IndexDiagnostic[] = [];
  #draft: Draft | undefined;
  /** The module, `name:stream`, that the packages of a collection are of. */
  #module = 0;
  #depthOfUpdate = 0;

  /** @param source names the document in messages. */
  constructor(source: string) {
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not well-formed. */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): AdvisoryColumns {
    this.#reader.end();
    const { bytes } = this.#heap;
    const fixes = this.#fixes.numbers;
    const names = new TextLookupBuilder(bytes, fixes.length / FIX_WIDTH);
    for (let row = 0, at = 0; at < fixes.length; row++, at += FIX_WIDTH) {
      const from = fixes[at + FIX.name]!;
      names.add(from, endOf(bytes, from), row);
    }
    const [advisories, cves] = [this.#advisories.numbers, this.#cves.numbers];
    return { bytes, advisories, cves, fixes, names: names.build(), diagnostics: this.#diagnostics };
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'update') {
      this.#draft = { type: attributes.get('type') ?? '', retracted: attributes.get('status') === RETRACTED, cves: new Set(), fixes: [] };
      this.#depthOfUpdate = 0;
      this.#module = 0;
      return false;
    }
    const draft = this.#draft;
    if (draft === undefined) return false;
    const depth = ++this.#depthOfUpdate;
    if (name === 'issued') draft.issued = dateOf(attributes.get('date') ?? '');
    else if (name === 'reference') {
      for (const text of [attributes.get('id'), attributes.get('title')])
        for (const [cve] of text?.matchAll(CVE) ?? []) draft.cves.add(cve);
    } else if (name === 'collection') this.#module = 0;
    else if (name === 'module') this.#module = this.#intern(`${attributes.get('name') ?? ''}:${attributes.get('stream') ?? ''}`);
    else if (name === 'package') this.#package(draft, attributes);
    // Packages and collections have names and titles, too.
    return depth === 1 && (name === 'id' || name === 'title' || name === 'severity');
  }

  close(name: string, text: XmlText): void {
    const draft = this.#draft;
    if (draft === undefined) return;
    if (name === 'update') {
      this.#draft = undefined;
      this.#end(draft);
    } else if (--this.#depthOfUpdate === 0 && (name === 'id' || name === 'title' || name === 'severity')) {
      draft[name] = text.trimmed();
    }
  }

  #package(draft: Draft, attributes: XmlAttributes): void {
    const [name = '', arch = '', epoch = '', version = '', release = ''] = ['name', 'arch', 'epoch', 'version', 'release'].map((each) =>
      attributes.get(each),
    );
    if (arch === 'src') return;
    const evr = WORD.test(name) && WORD.test(arch) ? evrOf(epoch, version, release) : undefined;
    if (evr === undefined) {
      draft.unusable ??= `a package of it has no proper name, version or architecture: ${name}`;
      return;
    }
    draft.fixes.push([this.#intern(name), this.#intern(evr), this.#intern(arch), this.#module]);
  }

  #end({ id = '', type, severity = '', title = '', issued = '', retracted, cves, fixes, unusable }: Draft): void {
    if (retracted) return;
    if (!WORD.test(id)) {
      this.#diagnostics.push({ package: title === '' ? '(without title)' : title, reason: 'it has no proper id' });
      return;
    }
    if (unusable !== undefined) this.#diagnostics.push({ package: id, reason: unusable });
    if (fixes.length === 0) return;
    const row = this.#advisories.length / ADVISORY_WIDTH;
    for (const cve of [...cves].sort()) this.#cves.push(this.#intern(cve));
    const words = [id, type, severity.toLowerCase() === NO_SEVERITY ? '' : severity, title, issued];
    for (const text of words) this.#advisories.push(this.#intern(text));
    this.#advisories.push(this.#cves.length);
    for (const fix of fixes) for (const number of [row, ...fix]) this.#fixes.push(number);
  }

  /** Equal texts share their place; 0 for an empty one. */
  #intern(text: string): number {
    if (text === '') return 0;
    const bytes = Buffer.from(text.replace(/\s+/g, ' '));
    return this.#heap.intern(bytes, 0, bytes.length);
  }
}

/** An advisory whose end has not come. */
interface Draft {
  id?: string;
  readonly type: string;
  severity?: string;
  title?: string;
  issued?: string;
  readonly retracted: boolean;
  readonly cves: Set<string>;
  /** Offsets of name, version, architecture and module. */
  readonly fixes: (readonly [name: number, version: number, arch: number, module: number])[];
  unusable?: string;
}

/** As packages are told of; undefined for what is no version. */
function evrOf(epoch: string, version: string, release: string): string | undefined {
  const text = `${epoch === '' ? '0' : epoch}:${version}-${release}`;
  try {
    return formatEvr(parseEvr(text));
  } catch (error) {
    if (hasCode(error, 'ICT_RPM_VERSION_INVALID')) return undefined;
    throw error;
  }
}

/** The day of a date as it is written, or of seconds since 1970; empty when it is neither. */
function dateOf(text: string): string {
  const day = /^\d{4}-\d\d-\d\d/.exec(text)?.[0];
  if (day !== undefined) return day;
  return /^\d{9,11}$/.test(text) ? new Date(Number(text) * 1000).toISOString().slice(0, 10) : '';
}
