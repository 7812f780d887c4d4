import { TextLookup } from '@ict/package-index';
import type { Digest, PackageRecord } from '@ict/plugin-api';
import { endOf } from './column-writer.js';
import { formatEvr } from '../relations/evr.js';
import type { Evr } from '../relations/evr.js';
import { FIELD, FIELD_COUNT, FILES, LIST_COUNT, LISTS, RELATION_WIDTH } from './primary-columns.js';
import type { IndexDiagnostic, PrimaryColumns, PrimaryField } from './primary-columns.js';
import { RelationTable } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { RelationKind } from '../package/tags.js';

/** A package as primary.xml describes it. */
export interface PrimaryPackage {
  readonly name: string;
  readonly evr: Evr;
  readonly arch: string;
  readonly relations: Readonly<Partial<Record<RelationKind, readonly Relation[]>>>;
  /** The files that primary.xml lists: those below bin directories and /etc. */
  readonly files: readonly string[];
}

/** What people are told of a package. */
export interface PackageWords {
  readonly summary: string;
  readonly homepage: string;
  readonly maintainer: string;
  /** File name of its source package. */
  readonly sourceRpm: string;
}

const NONE: readonly never[] = Object.freeze([]);

/** The packages of one repository, in the order of its metadata. A package is made of its columns when it is asked for. */
export class PackagesIndex {
  readonly count: number;
  readonly diagnostics: readonly IndexDiagnostic[];
  readonly #bytes: Buffer;
  readonly #columns: PrimaryColumns;
  readonly #table: RelationTable;
  readonly #byName: TextLookup;
  readonly #byProvided: TextLookup;
  readonly #byObsoleted: TextLookup;
  readonly #packages: (PrimaryPackage | undefined)[];
  readonly #relations: (Relation | undefined)[];
  /** Texts that many packages share, by offset. */
  readonly #shared = new Map<number, string>();
  readonly #files = new Map<string, number[]>();

  /** @param table makes relations; share it between repositories. */
  constructor(columns: PrimaryColumns, table = new RelationTable()) {
    const { bytes, diagnostics, fields, names, obsoletes, provides, relations } = columns;
    this.count = fields.length / FIELD_COUNT;
    this.diagnostics = diagnostics;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#columns = columns;
    this.#table = table;
    this.#byName = new TextLookup(bytes, names);
    this.#byProvided = new TextLookup(bytes, provides);
    this.#byObsoleted = new TextLookup(bytes, obsoletes);
    this.#packages = new Array<PrimaryPackage | undefined>(this.count);
    this.#relations = new Array<Relation | undefined>(relations.length / RELATION_WIDTH);
  }

  name(at: number): string {
    return this.#packages[at]?.name ?? this.#field(at, 'name');
  }

  arch(at: number): string {
    return this.#sharedText(this.#offset(at, 'arch'));
  }

  evr(at: number): Evr {
    return this.#evrOf(this.#offset(at, 'epoch'), this.#offset(at, 'version'), this.#offset(at, 'release'));
  }

  digest(at: number): Digest {
    return this.#field(at, 'digest') as Digest;
  }

  package(at: number): PrimaryPackage {
    return (this.#packages[at] ??= this.#make(at));
  }

  words(at: number): PackageWords {
    const homepage = this.#field(at, 'url');
    const maintainer = this.#field(at, 'packager') || this.#field(at, 'vendor');
    return { summary: this.#field(at, 'summary'), homepage, maintainer, sourceRpm: this.#field(at, 'sourcerpm') };
  }

  byName(name: string): Iterable<number> {
    return this.#byName.find(name);
  }

  /** Packages that provide a name in some version, or bring a file of this path as far as is known. */
  providersOf(name: string): Iterable<number> {
    const listed = this.#byProvided.find(name);
    const found = this.#files.get(name);
    return found === undefined ? listed : new Set([...listed, ...found]);
  }

  /** Packages that replace some version of a name. */
  obsoletersOf(name: string): Iterable<number> {
    return this.#byObsoleted.find(name);
  }

  /** Whether a package has a dependency of a kind. */
  has(at: number, kind: RelationKind): boolean {
    const [from, to] = this.#range(at, LISTS.indexOf(kind));
    return to > from;
  }

  /** Adds a file that only the full file list knows. */
  addFile(at: number, path: string): void {
    const known = this.#files.get(path);
    if (known === undefined) this.#files.set(path, [at]);
    else if (known.at(-1) !== at) known.push(at);
  }

  /** Whether a package brings a file of this path, as far as is known. */
  brings(at: number, path: string): boolean {
    return this.package(at).files.includes(path) || (this.#files.get(path)?.includes(at) ?? false);
  }

  record(at: number, repository: string): PackageRecord {
    const archive = this.#offset(at, 'archive');
    return {
      name: this.name(at),
      version: formatEvr(this.evr(at)),
      arch: this.arch(at),
      repository,
      ...(archive === 0 ? {} : { archive: this.#sharedText(archive) }),
      path: this.#field(at, 'path'),
      digest: this.digest(at),
      sizeBytes: Number(this.#field(at, 'size')),
      installedSizeBytes: Number(this.#field(at, 'installedSize')),
    };
  }

  #make(at: number): PrimaryPackage {
    const { items } = this.#columns;
    const relations: Partial<Record<RelationKind, readonly Relation[]>> = {};
    LISTS.forEach((kind, list) => {
      const [from, to] = this.#range(at, list);
      if (kind !== 'files' && to > from) relations[kind] = Array.from(items.subarray(from, to), (place) => this.#relation(place));
    });
    const [from, to] = this.#range(at, FILES);
    const files = from === to ? NONE : Array.from(items.subarray(from, to), (offset) => this.#text(offset));
    return { name: this.#field(at, 'name'), evr: this.evr(at), arch: this.arch(at), relations, files };
  }

  #evrOf(epoch: number, version: number, release: number): Evr {
    return {
      epoch: epoch === 0 ? 0 : Number(this.#text(epoch)),
      version: this.#sharedText(version),
      release: release === 0 ? undefined : this.#sharedText(release),
    };
  }

  #relation(place: number): Relation {
    const known = this.#relations[place];
    if (known !== undefined) return known;
    const [name, sense, epoch, version, release] = this.#columns.relations.subarray(place * RELATION_WIDTH, (place + 1) * RELATION_WIDTH);
    const evr = sense === 0 ? undefined : this.#evrOf(epoch!, version!, release!);
    return (this.#relations[place] = this.#table.relation(this.#text(name!), sense, evr));
  }

  /** The part of `items` that is a list of a package. */
  #range(at: number, list: number): readonly [from: number, to: number] {
    const { ends } = this.#columns;
    const place = at * LIST_COUNT + list;
    return [place === 0 ? 0 : ends[place - 1]!, ends[place]!];
  }

  #offset(at: number, field: PrimaryField): number {
    return this.#columns.fields[at * FIELD_COUNT + FIELD[field]]!;
  }

  #field(at: number, field: PrimaryField): string {
    return this.#text(this.#offset(at, field));
  }

  #text(offset: number): string {
    return this.#bytes.toString('utf8', offset, endOf(this.#bytes, offset));
  }

  #sharedText(offset: number): string {
    const known = this.#shared.get(offset);
    if (known !== undefined) return known;
    const text = this.#text(offset);
    this.#shared.set(offset, text);
    return text;
  }
}
