import { digestFromHex } from '@ict/integrity';
import type { PackageRecord } from '@ict/plugin-api';
import { debError } from './errors.js';
import { isDebVersion } from './version.js';
import { parseProvides, RelationTable } from './relation.js';
import type { Provided, RelationGroup } from './relation.js';
import { columnOf, findField, INDEXED_FIELDS, scanStanzas, valueEnd } from './stanza-scan.js';
import type { DroppedStanza, StanzaTable } from './stanza-scan.js';

/** Fields of a stanza that hold relations. */
export type RelationField = 'Depends' | 'Pre-Depends' | 'Recommends' | 'Suggests' | 'Enhances' | 'Conflicts' | 'Breaks' | 'Replaces';

export type MultiArch = 'no' | 'same' | 'foreign' | 'allowed';

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
}

const WIDTH = INDEXED_FIELDS.length;
const PACKAGE = columnOf('package');
const VERSION = columnOf('version');
const ARCHITECTURE = columnOf('architecture');
const PROVIDES = columnOf('provides');
const COLUMNS: ReadonlyMap<string, number> = new Map(INDEXED_FIELDS.map((name, column) => [name, column]));

const SPACE = 0x20;
const NONE: readonly number[] = Object.freeze([]);

/** dpkg's rule for package names; upper case is in the wild outside Debian. */
const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;
const ARCHITECTURE_NAME = /^[a-z0-9][a-z0-9-]*$/;

/**
 * One or more `Packages` files, indexed. The buffer is scanned once; names are read at once, everything else when it is asked for.
 * Packages are numbered from 0 in the order of the files, so a lower number is an earlier source.
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
  /** Parsed relations, shared by all packages: equal text gives the same array. */
  readonly table: RelationTable;

  readonly #bytes: Buffer;
  readonly #stanzas: StanzaTable;
  /** Stanza of package `i`. */
  readonly #stanzaOf: Uint32Array;
  readonly #names: string[] = [];
  readonly #architectures: string[] = [];
  readonly #versions: (string | undefined)[];
  readonly #byName = new Map<string, number[]>();
  #providers: Map<string, number[]> | undefined;

  private constructor(bytes: Buffer, segments: readonly IndexSegment[], table: RelationTable) {
    const stanzas = scanStanzas(bytes);
    const dropped: DroppedStanza[] = [...stanzas.dropped];
    const stanzaOf = new Uint32Array(stanzas.count);
    this.#bytes = bytes;
    this.#stanzas = stanzas;
    this.table = table;
    const seen = new Map<string, string>();
    let count = 0;
    for (let stanza = 0; stanza < stanzas.count; stanza++) {
      const name = this.#text(stanza, PACKAGE);
      const arch = intern(seen, this.#text(stanza, ARCHITECTURE));
      if (!PACKAGE_NAME.test(name) || !ARCHITECTURE_NAME.test(arch)) {
        const offset = stanzas.starts[stanza];
        dropped.push({ offset, line: lineOf(bytes, offset), reason: `"${name}:${arch}" is not a package name and architecture` });
        continue;
      }
      stanzaOf[count] = stanza;
      this.#names.push(name);
      this.#architectures.push(arch);
      append(this.#byName, name, count);
      count++;
    }
    this.count = count;
    this.#stanzaOf = stanzaOf;
    this.#versions = new Array<string | undefined>(count).fill(undefined);
    this.diagnostics = dropped.sort((a, b) => a.offset - b.offset).map((stanza) => locate(bytes, segments, stanza));
  }

  /**
   * Indexes the decompressed text of `Packages` files. The buffer must not change afterwards.
   *
   * @param segments where each file begins, when the buffer holds several, separated by an empty line.
   * @param table relations already parsed, to share them between repositories.
   */
  static parse(bytes: Uint8Array, segments: readonly IndexSegment[] = [], table: RelationTable = new RelationTable()): PackagesIndex {
    return new PackagesIndex(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), segments, table);
  }

  name(i: number): string {
    return this.#names[i];
  }

  /** Debian architecture: `amd64`, `all`. */
  arch(i: number): string {
    return this.#architectures[i];
  }

  version(i: number): string {
    return (this.#versions[i] ??= this.#text(this.#stanzaOf[i], VERSION));
  }

  /**
   * Text of a field without surrounding white space, continuation lines included, or undefined when the package has no such field.
   *
   * @param name in any case.
   */
  field(i: number, name: string): string | undefined {
    const stanza = this.#stanzaOf[i];
    const lower = name.toLowerCase();
    const column = COLUMNS.get(lower);
    const stop = this.#stanzas.ends[stanza];
    const from =
      column === undefined
        ? findField(this.#bytes, this.#stanzas.starts[stanza], stop, lower)
        : this.#stanzas.fields[stanza * WIDTH + column];
    return from === 0 ? undefined : this.#bytes.toString('utf8', from, valueEnd(this.#bytes, from, stop)).trim();
  }

  /** Packages of this name, in order; real ones only. */
  byName(name: string): readonly number[] {
    return this.#byName.get(name) ?? NONE;
  }

  /** Packages whose `Provides` has this name, in order, whatever version they provide. Packages of that name are not among them unless they list it. */
  providersOf(name: string): readonly number[] {
    this.#providers ??= this.#indexProvides();
    return this.#providers.get(name) ?? NONE;
  }

  /**
   * Parsed relations of one field; empty when the package has no such field.
   *
   * @throws `ICT_DEB_RELATION_INVALID`, naming the package.
   */
  relations(i: number, field: RelationField): readonly RelationGroup[] {
    const text = this.field(i, field);
    return text === undefined ? [] : this.#named(i, field, () => this.table.groups(text));
  }

  /** What the package provides beside itself. @throws `ICT_DEB_RELATION_INVALID`, naming the package. */
  provides(i: number): readonly Provided[] {
    if (this.#stanzas.fields[this.#stanzaOf[i] * WIDTH + PROVIDES] === 0) return [];
    return this.#named(i, 'Provides', () => parseProvides(this.field(i, 'Provides')!));
  }

  /** Debian priority in lower case, such as `required`; `optional` when the package has none. */
  priority(i: number): string {
    return this.field(i, 'Priority')?.toLowerCase() ?? 'optional';
  }

  essential(i: number): boolean {
    return isYes(this.field(i, 'Essential'));
  }

  /** `Protected: yes`: like essential, for what makes a system boot. */
  protected(i: number): boolean {
    return isYes(this.field(i, 'Protected'));
  }

  /** `no` when absent or of a value that this version does not know. */
  multiArch(i: number): MultiArch {
    const value = this.field(i, 'Multi-Arch')?.toLowerCase();
    return value === 'same' || value === 'foreign' || value === 'allowed' ? value : 'no';
  }

  /** Source package and its version, which are the package's own unless `Source` says otherwise. */
  source(i: number): { readonly name: string; readonly version: string } {
    const match = /^(\S+)(?:\s+\(([^)]*)\))?$/.exec(this.field(i, 'Source') ?? '');
    return { name: match?.[1] ?? this.name(i), version: match?.[2]?.trim() ?? this.version(i) };
  }

  /** First line of `Description`. */
  summary(i: number): string | undefined {
    return this.field(i, 'Description')?.split('\n', 1)[0]?.trim();
  }

  /**
   * The package as plain data, its values checked.
   *
   * @param repository id of the repository.
   * @throws `ICT_DEB_INDEX_INVALID` when a value cannot be trusted: version, digest, size, path.
   */
  record(i: number, repository: string): PackageRecord {
    const sha256 = this.field(i, 'SHA256')!.toLowerCase();
    const size = this.field(i, 'Size')!;
    const path = this.field(i, 'Filename')!.replace(/^(?:\.\/)+/, '');
    const version = this.version(i);
    const installed = this.field(i, 'Installed-Size');
    if (!isDebVersion(version)) throw this.#invalid(i, repository, 'Version', version);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw this.#invalid(i, repository, 'SHA256', sha256);
    if (!isCount(size)) throw this.#invalid(i, repository, 'Size', size);
    if (!isPoolPath(path)) throw this.#invalid(i, repository, 'Filename', path);
    if (installed !== undefined && !isCount(installed)) throw this.#invalid(i, repository, 'Installed-Size', installed);
    return {
      name: this.name(i),
      version,
      arch: this.arch(i),
      repository,
      path,
      digest: digestFromHex(sha256),
      sizeBytes: Number(size),
      ...(installed === undefined ? {} : { installedSizeBytes: Number(installed) * 1024 }),
    };
  }

  #text(stanza: number, column: number): string {
    let from = this.#stanzas.fields[stanza * WIDTH + column];
    let to = valueEnd(this.#bytes, from, this.#stanzas.ends[stanza]);
    while (from < to && this.#bytes[from] <= SPACE) from++;
    while (to > from && this.#bytes[to - 1] <= SPACE) to--;
    return this.#bytes.toString('latin1', from, to);
  }

  #indexProvides(): Map<string, number[]> {
    const providers = new Map<string, number[]>();
    for (let i = 0; i < this.count; i++) {
      for (const { name } of this.provides(i)) {
        const known = providers.get(name);
        if (known === undefined) providers.set(name, [i]);
        else if (known[known.length - 1] !== i) known.push(i);
      }
    }
    return providers;
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

function intern(seen: Map<string, string>, text: string): string {
  const known = seen.get(text);
  if (known !== undefined) return known;
  seen.set(text, text);
  return text;
}

function append(map: Map<string, number[]>, name: string, i: number): void {
  const known = map.get(name);
  if (known === undefined) map.set(name, [i]);
  else known.push(i);
}

function isYes(value: string | undefined): boolean {
  return value?.toLowerCase() === 'yes';
}

function isCount(text: string): boolean {
  return /^[0-9]{1,15}$/.test(text);
}

/** A relative path that stays below the archive and needs no escaping rules of its own. */
function isPoolPath(path: string): boolean {
  return /^[^/\\\p{Cc}][^\\\p{Cc}]*$/u.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function lineOf(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (bytes[i] === 0x0a) line++;
  return line;
}

/** Turns a place in the buffer into a place in the file that it came from. */
function locate(bytes: Uint8Array, segments: readonly IndexSegment[], stanza: DroppedStanza): IndexDiagnostic {
  const segment = segments.findLast(({ offset }) => offset <= stanza.offset);
  const line = segment === undefined ? stanza.line : stanza.line - lineOf(bytes, segment.offset) + 1;
  return { path: segment?.path ?? 'Packages', line, reason: stanza.reason };
}
