import type { Digest } from '@ict/plugin-api';
import type { Evr } from './evr.js';
import { PackagesIndex } from './packages-index.js';
import type { IndexDiagnostic, PrimaryPackage } from './packages-index.js';
import { EQUAL, GREATER, LESS } from './relation.js';
import type { Relation, RelationTable } from './relation.js';
import { isBelow } from './repomd.js';
import { RELATION_TAGS } from './tags.js';
import type { RelationKind } from './tags.js';
import { XmlReader } from './xml.js';
import type { XmlAttributes, XmlHandler } from './xml.js';

const SENSES: Readonly<Record<string, number>> = { EQ: EQUAL, LT: LESS, GT: GREATER, LE: LESS | EQUAL, GE: GREATER | EQUAL };
const TEXTS = new Set(['name', 'arch', 'checksum', 'summary', 'url', 'packager', 'vendor', 'sourcerpm', 'file']);
const KINDS = new Set(Object.keys(RELATION_TAGS));

/**
 * Reads primary.xml, piece by piece; unknown elements are passed over.
 *
 * A package that lacks its name, version, architecture, SHA-256 checksum, size or place, or has a place outside the repository, is left
 * out with a diagnostic; the rest stays usable.
 */
export class PrimaryReader implements XmlHandler {
  readonly #table: RelationTable;
  readonly #reader: XmlReader;
  readonly #packages: PrimaryPackage[] = [];
  readonly #diagnostics: IndexDiagnostic[] = [];
  readonly #strings = new Map<string, string>();
  #draft: Draft | undefined;
  #kind: RelationKind | undefined;
  #checksum: string | undefined;

  /**
   * @param source names the document in messages.
   * @param table makes relations; share it between repositories.
   */
  constructor(source: string, table: RelationTable) {
    this.#table = table;
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not well-formed. */
  write(chunk: string): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): PackagesIndex {
    this.#reader.end();
    return new PackagesIndex(this.#packages, this.#diagnostics);
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'package') {
      this.#draft = new Draft();
      return false;
    }
    const draft = this.#draft;
    if (draft === undefined) return false;
    if (name === 'entry') {
      if (this.#kind !== undefined) draft.add(this.#kind, this.#relation(attributes));
      return false;
    }
    if (KINDS.has(name)) this.#kind = name as RelationKind;
    else if (name === 'version') draft.evr = this.#evr(attributes);
    else if (name === 'checksum') this.#checksum = attributes.get('type');
    else if (name === 'location') draft.path = attributes.get('base') === undefined ? attributes.get('href') : undefined;
    else if (name === 'size') {
      draft.sizeBytes = Number(attributes.get('package'));
      draft.installedSizeBytes = Number(attributes.get('installed'));
    }
    return TEXTS.has(name);
  }

  close(name: string, text: string): void {
    const draft = this.#draft;
    if (draft === undefined) return;
    if (name === 'package') {
      this.#finishPackage(draft);
      this.#draft = undefined;
    } else if (name === 'file') draft.files.push(own(text));
    else if (name === 'checksum') {
      if (this.#checksum === 'sha256') draft.checksum = own(text.trim());
    } else if (TEXTS.has(name)) draft.texts[name] = this.#shared(text.trim());
    else if (name === this.#kind) this.#kind = undefined;
  }

  #finishPackage(draft: Draft): void {
    const made = draft.finish();
    if (typeof made === 'string') this.#diagnostics.push({ package: draft.texts['name'] ?? '(without name)', reason: made });
    else this.#packages.push(made);
  }

  #relation(attributes: XmlAttributes): Relation {
    const name = this.#shared(attributes.get('name') ?? '');
    const flags = attributes.get('flags');
    if (flags === undefined) return this.#table.relation(name);
    return this.#table.relation(name, SENSES[flags] ?? 0, this.#evr(attributes));
  }

  #evr(attributes: XmlAttributes): Evr | undefined {
    const version = attributes.get('ver');
    if (version === undefined || version === '') return undefined;
    const epoch = Number(attributes.get('epoch') ?? 0);
    const release = attributes.get('rel');
    return {
      epoch: Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0,
      version: this.#shared(version),
      release: release === undefined ? undefined : this.#shared(release),
    };
  }

  /** Equal texts share one string that owns its memory. */
  #shared(text: string): string {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    const copy = own(text);
    this.#strings.set(copy, copy);
    return copy;
  }
}

/** A package while it is read. */
class Draft {
  evr: Evr | undefined;
  path: string | undefined;
  checksum: string | undefined;
  sizeBytes = Number.NaN;
  installedSizeBytes = 0;
  readonly texts: Record<string, string> = {};
  readonly files: string[] = [];
  readonly relations: Partial<Record<RelationKind, Relation[]>> = {};

  add(kind: RelationKind, relation: Relation): void {
    const known = this.relations[kind];
    if (known === undefined) this.relations[kind] = [relation];
    else known.push(relation);
  }

  /** The package, or what is wrong with it. */
  finish(): PrimaryPackage | string {
    const { evr, path, checksum, sizeBytes, texts } = this;
    const { name, arch } = texts;
    if (!isWord(name) || !isWord(arch)) return 'it has no proper name or architecture';
    if (evr === undefined || !isWord(evr.version) || !isWord(evr.release)) return 'it has no proper version';
    if (checksum === undefined || !/^[0-9a-f]{64}$/.test(checksum)) return 'it has no SHA-256 checksum';
    if (path === undefined || !isBelow(path)) return 'it lies outside the repository';
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) return 'it has no proper size';
    const installed = this.installedSizeBytes;
    return {
      name,
      evr,
      arch,
      path: own(path),
      digest: `sha256:${checksum}` as Digest,
      sizeBytes,
      installedSizeBytes: Number.isSafeInteger(installed) && installed >= 0 ? installed : 0,
      summary: texts['summary'] ?? '',
      homepage: texts['url'] ?? '',
      maintainer: texts['packager'] || (texts['vendor'] ?? ''),
      sourceRpm: texts['sourcerpm'] ?? '',
      relations: this.relations,
      files: this.files,
    };
  }
}

function isWord(text: string | undefined): text is string {
  return text !== undefined && /^[^\s/\0]+$/.test(text);
}

/** A copy that owns its memory: a part of a chunk would keep all of it. */
function own(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
