import { isSha256Digest } from '@ict/integrity';
import { isClimbing, TextLookup } from '@ict/package-index';
import type { PackageRecord } from '@ict/plugin-api';
import { debError } from '../errors.js';
import { FLAG, MULTI_ARCH, PRIORITIES, readDirectory } from './index-directory.js';
import type { IndexDiagnostic, IndexDirectory, IndexSegment } from './index-directory.js';
import { IndexStore } from './index-store.js';
import { TextInMemory } from './index-text.js';
import type { IndexText } from './index-text.js';
import { isDebVersion } from '../relations/version.js';
import { NO_GROUPS, parseProvides, toProvided } from '../relations/relation.js';
import { RELATION_PLACES, UNREADABLE } from '../relations/relation-numbers.js';
import type { Provided, RelationGroup } from '../relations/relation.js';
import { columnOf, valueStop } from './stanza-scan.js';
import type { IndexedField } from './stanza-scan.js';
import { StanzaValues } from './stanza-values.js';
import { isPlainWord, stanzasWith } from './word-scan.js';

/** Fields of a stanza that hold relations. */
export type RelationField = 'Depends' | 'Pre-Depends' | 'Recommends' | 'Suggests' | 'Enhances' | 'Conflicts' | 'Breaks' | 'Replaces';

export type MultiArch = (typeof MULTI_ARCH)[number];

const PROVIDES = columnOf('provides');
const RELATION_COLUMNS: Readonly<Record<RelationField | 'Provides', number>> = {
  Depends: columnOf('depends'),
  'Pre-Depends': columnOf('pre-depends'),
  Recommends: columnOf('recommends'),
  Suggests: columnOf('suggests'),
  Enhances: columnOf('enhances'),
  Conflicts: columnOf('conflicts'),
  Breaks: columnOf('breaks'),
  Replaces: columnOf('replaces'),
  Provides: PROVIDES,
};

/**
 * One or more `Packages` files, indexed. The text is scanned once, or not at all when its directory was kept; a stanza is read when something of it
 * is asked for. Packages are numbered from 0 in the order of the files, so a lower number is an earlier source.
 *
 * ```ts
 * const index = PackagesIndex.parse(readFileSync('Packages'));
 * for (const i of index.byName('bash')) console.log(index.version(i), index.relations(i, 'Depends'));
 * ```
 */
export class PackagesIndex {
  /** Number of packages. */
  readonly count: number;
  /** Stanzas that could not be used. */
  readonly diagnostics: readonly IndexDiagnostic[];
  /** Debian architectures of the packages; see {@link architectureAt}. */
  readonly architectures: readonly string[];
  readonly #text: IndexText;
  readonly #values: StanzaValues;
  readonly #versionTexts: Buffer;
  readonly #directory: IndexDirectory;
  readonly #byName: TextLookup;
  readonly #byProvided: TextLookup;
  /** Texts that were asked for. */
  readonly #names = new Map<number, string>();
  readonly #versions = new Map<number, string>();

  /**
   * @param directory of the text; see {@link readDirectory}.
   * @param text must not change afterwards.
   * @param store what its packages are read into; indexes that are resolved together share one.
   */
  constructor(directory: IndexDirectory, text: IndexText, store = new IndexStore()) {
    const { starts, versionTexts, words, names, provides, diagnostics } = directory;
    this.count = starts.length;
    this.diagnostics = diagnostics;
    this.architectures = directory.architectures;
    this.#text = text;
    this.#values = new StanzaValues(directory, text, store);
    this.#versionTexts = Buffer.from(versionTexts.buffer, versionTexts.byteOffset, versionTexts.byteLength);
    this.#directory = directory;
    this.#byName = new TextLookup(words, names);
    this.#byProvided = new TextLookup(words, provides);
  }

  /**
   * Indexes the decompressed text of `Packages` files. The buffer must not change afterwards.
   *
   * @param segments where each file begins, when the buffer holds several, separated by an empty line.
   */
  static parse(bytes: Uint8Array, segments: readonly IndexSegment[] = [], store?: IndexStore): PackagesIndex {
    const text = new TextInMemory(bytes);
    return new PackagesIndex(readDirectory(text, segments), text, store);
  }

  /** What packages are read into. */
  get store(): IndexStore {
    return this.#values.store;
  }

  /** How the store's module calls the index. */
  get handle(): number {
    return this.#values.handle;
  }

  /** Reads into another store from now on: numbers of groups that the former gave mean nothing any more. */
  moveTo(store: IndexStore): void {
    this.#values.moveTo(store);
  }

  /** Forgets the packages that were read so far, for whoever walks through all of them; they are read again when they are asked for. */
  release(): void {
    this.#values.release();
    this.#names.clear();
    this.#versions.clear();
  }

  /** Ends reading: of packages that nobody has asked about nothing is known any more but what finds them. */
  close(): void {
    this.#text.close();
  }

  name(i: number): string {
    let name = this.#names.get(i);
    if (name === undefined) this.#names.set(i, (name = this.#byName.textOf(this.#directory.keys[i])));
    return name;
  }

  /** Debian architecture: `amd64`, `all`. */
  arch(i: number): string {
    return this.architectures[this.#directory.archs[i]];
  }

  /** Place of the architecture among {@link architectures}. */
  architectureAt(i: number): number {
    return this.#directory.archs[i];
  }

  version(i: number): string {
    let version = this.#versions.get(i);
    if (version === undefined) this.#versions.set(i, (version = this.#versionAt(this.#directory.versions[i])));
    return version;
  }

  /**
   * Text of an indexed field without surrounding white space, continuation lines included, or undefined when the package has no such
   * field.
   */
  field(i: number, name: IndexedField): string | undefined {
    return this.#value(i, columnOf(name));
  }

  /** Packages of this name, in order; real ones only. */
  byName(name: string): Uint32Array {
    return this.#byName.find(name);
  }

  /** Packages whose `Provides` names this, in order, whatever version they provide. Packages of that name are not among them unless they list it. */
  providersOf(name: string): Uint32Array {
    return this.#byProvided.find(name);
  }

  /**
   * Packages that may have all of these words, in whatever case, in any of their fields: all that do are among them, in order.
   *
   * @returns undefined for words that are not looked for; then any package may have them.
   */
  mentioning(words: readonly string[]): readonly number[] | undefined {
    const [longest] = words.filter(isPlainWord).sort((a, b) => b.length - a.length);
    return longest === undefined ? undefined : stanzasWith(longest, this.#text, this.#directory);
  }

  /**
   * Parsed relations of one field; empty when the package has no such field.
   *
   * @throws `ICT_DEB_RELATION_INVALID`, naming the package.
   */
  relations(i: number, field: RelationField): readonly RelationGroup[] {
    const groups = this.#readable(i, field);
    if (groups !== undefined) return groups;
    const text = this.#value(i, RELATION_COLUMNS[field]);
    return text === undefined ? NO_GROUPS : this.#named(i, field, () => this.store.table.groups(text));
  }

  /** What the package provides beside itself. @throws `ICT_DEB_RELATION_INVALID`, naming the package. */
  provides(i: number): readonly Provided[] {
    const groups = this.#readable(i, 'Provides');
    if (groups !== undefined) return toProvided(groups);
    const text = this.#value(i, PROVIDES);
    return text === undefined ? [] : this.#named(i, 'Provides', () => parseProvides(text));
  }

  /** The groups of a field by their numbers in the store; undefined when it is none of those that are kept so, or cannot be read. */
  groups(i: number, field: RelationField | 'Provides'): readonly number[] | undefined {
    const place = RELATION_PLACES.get(field);
    const list = place === undefined ? UNREADABLE : this.#values.list(i, place);
    return list === UNREADABLE ? undefined : this.store.list(list);
  }

  /** Groups that can be read. */
  #readable(i: number, field: RelationField | 'Provides'): readonly RelationGroup[] | undefined {
    const { store } = this;
    return this.groups(i, field)?.map((group) => store.table.group(store.groupText(group)));
  }

  /** Debian priority in lower case, such as `required`; `optional` when the package has none. */
  priority(i: number): string {
    return PRIORITIES[this.priorityRank(i)] ?? this.field(i, 'priority')!.toLowerCase();
  }

  /** Place of the priority, from 0 for `required` to 4 for `extra`; 5 for any other word. */
  priorityRank(i: number): number {
    return Math.floor(this.#directory.flags[i] / FLAG.priority) % 8;
  }

  essential(i: number): boolean {
    return (this.#directory.flags[i] & FLAG.essential) !== 0;
  }

  /** `Protected: yes`: like essential, for what makes a system boot. */
  protected(i: number): boolean {
    return (this.#directory.flags[i] & FLAG.protected) !== 0;
  }

  /** `no` when absent or of a value that this version does not know. */
  multiArch(i: number): MultiArch {
    return MULTI_ARCH[Math.floor(this.#directory.flags[i] / FLAG.multiArch) % MULTI_ARCH.length];
  }

  /** Source package and its version, which are the package's own unless `Source` says otherwise. */
  source(i: number): { readonly name: string; readonly version: string } {
    const text = this.field(i, 'source');
    const match = text === undefined ? null : SOURCE.exec(text);
    return { name: match?.[1] ?? this.name(i), version: match?.[2]?.trim() ?? this.version(i) };
  }

  /** First line of `Description`. */
  summary(i: number): string | undefined {
    const text = this.field(i, 'description');
    if (text === undefined) return undefined;
    const end = text.indexOf('\n');
    return (end < 0 ? text : text.slice(0, end)).trim();
  }

  /**
   * The package as plain data, its values checked.
   *
   * @param repository id of the repository.
   * @throws `ICT_DEB_INDEX_INVALID` when a value cannot be trusted: version, digest, size, path.
   */
  record(i: number, repository: string): PackageRecord {
    const sha256 = this.field(i, 'sha256')!.toLowerCase();
    const digest = `sha256:${sha256}`;
    const size = this.field(i, 'size')!;
    const path = this.field(i, 'filename')!.replace(HERE, '');
    const version = this.version(i);
    const installed = this.field(i, 'installed-size');
    if (!isDebVersion(version)) throw this.#invalid(i, repository, 'Version', version);
    if (!isSha256Digest(digest)) throw this.#invalid(i, repository, 'SHA256', sha256);
    if (!isCount(size)) throw this.#invalid(i, repository, 'Size', size);
    if (!isPoolPath(path)) throw this.#invalid(i, repository, 'Filename', path);
    const name = this.name(i);
    const arch = this.arch(i);
    const sizeBytes = Number(size);
    if (installed === undefined) return { name, version, arch, repository, path, digest, sizeBytes };
    if (!isCount(installed)) throw this.#invalid(i, repository, 'Installed-Size', installed);
    return { name, version, arch, repository, path, digest, sizeBytes, installedSizeBytes: Number(installed) * 1024 };
  }

  #versionAt(place: number): string {
    const texts = this.#versionTexts;
    return texts.toString('utf8', place, valueStop(texts, place));
  }

  #value(i: number, column: number): string | undefined {
    return this.#values.value(i, column);
  }

  #named<T>(i: number, field: string, parse: () => T): T {
    try {
      return parse();
    } catch (cause) {
      throw debError('ICT_DEB_RELATION_INVALID', {
        message: `${field} of ${this.name(i)} ${this.version(i)} is not valid: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: 'The repository publishes a field that deb-control(5) does not allow; report it to the repository.',
        facts: { package: this.name(i), version: this.version(i), field },
        cause,
      });
    }
  }

  #invalid(i: number, repository: string, field: string, value: string): Error {
    return debError('ICT_DEB_INDEX_INVALID', {
      message: `the index of repository "${repository}" gives ${this.name(i)} the ${field} "${value.slice(0, 200)}", which is not valid`,
      hint: 'The repository was published with a broken index; report it to the repository.',
      facts: { repository, package: this.name(i), field, value: value.slice(0, 200) },
    });
  }
}

function isCount(text: string): boolean {
  return COUNT.test(text);
}

const COUNT = /^[0-9]{1,15}$/;

/** A source package, and its version where that is not the package's own. */
const SOURCE = /^(\S+)(?:\s+\(([^)]*)\))?$/;

/** What a path of a repository without a pool begins with. */
const HERE = /^(?:\.\/)+/;

/** No control characters, and no backslash. */
const PATH_TEXT = /^[ -[\]-~\u00a0-\uffff]+$/;

/** Parts that are empty, or `.`. */
const VAIN_PART = /(?:^|\/)\.?(?:\/|$)/;

/** A relative path that stays below the archive and needs no escaping rules of its own. */
function isPoolPath(path: string): boolean {
  return PATH_TEXT.test(path) && !VAIN_PART.test(path) && !isClimbing(path);
}
