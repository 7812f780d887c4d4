import { decodeSections, encodeSections, lookupColumns, lookupSections, packageIndexError } from '@ict/package-index';
import type { LookupColumns, Sections } from '@ict/package-index';
import type { RelationKind } from '../package/tags.js';

/** A package that was left out. */
export interface IndexDiagnostic {
  readonly package: string;
  readonly reason: string;
}

/** Texts of a package, by their columns. */
export const FIELDS = [
  'name',
  'arch',
  'epoch',
  'version',
  'release',
  'archive',
  'path',
  'digest',
  'size',
  'installedSize',
  'summary',
  'url',
  'packager',
  'vendor',
  'sourcerpm',
] as const;

/** Name of a field. */
export type PrimaryField = (typeof FIELDS)[number];

export const FIELD_COUNT = FIELDS.length;

/** Column of a field. */
export const FIELD = Object.fromEntries(FIELDS.map((name, column) => [name, column])) as Readonly<Record<PrimaryField, number>>;

/** What a package has any number of: relations of each kind, and files. */
export const LISTS = [
  'provides',
  'requires',
  'conflicts',
  'obsoletes',
  'recommends',
  'suggests',
  'supplements',
  'enhances',
  'files',
] as const satisfies readonly (RelationKind | 'files')[];

export const LIST_COUNT = LISTS.length;
export const FILES = LISTS.indexOf('files');
export const PROVIDES = LISTS.indexOf('provides');
export const OBSOLETES = LISTS.indexOf('obsoletes');

/** Numbers of a relation: its name, sense, epoch, version and release; those that are texts are offsets, 0 for none. */
export const RELATION_WIDTH = 5;

/** What is known of the packages of a repository: numbers over a run of bytes. */
export interface PrimaryColumns {
  /** Texts, each ended by a newline; an empty one at offset 0. */
  readonly bytes: Uint8Array;
  /** Offset of field `f` of package `i`, at `i * FIELD_COUNT + f`; 0 when it is absent. */
  readonly fields: Uint32Array;
  /** Distinct relations, each of {@link RELATION_WIDTH} numbers. */
  readonly relations: Uint32Array;
  /** End in `items` of list `l` of package `i`, at `i * LIST_COUNT + l`; it begins where the one before ends. */
  readonly ends: Uint32Array;
  /** Places of relations, or offsets of paths. */
  readonly items: Uint32Array;
  /** Packages by name; by what they provide, and the paths of their files; by what they replace. */
  readonly names: LookupColumns;
  readonly provides: LookupColumns;
  readonly obsoletes: LookupColumns;
  readonly diagnostics: readonly IndexDiagnostic[];
}

/** Raised when columns or their meaning change, or which packages are left out. */
export const CONTAINER = { kind: 'rpm-primary', version: 5 } as const;

/** The columns in one container. */
export function encodePrimary({ diagnostics, names, provides, obsoletes, ...columns }: PrimaryColumns): Uint8Array<ArrayBuffer> {
  return encodeSections(CONTAINER, {
    ...columns,
    diagnostics: Buffer.from(JSON.stringify(diagnostics), 'utf8'),
    ...lookupSections('names', names),
    ...lookupSections('provides', provides),
    ...lookupSections('obsoletes', obsoletes),
  });
}

/**
 * The other way. The container must be known to be one that {@link encodePrimary} made.
 *
 * @throws `ICT_PACKAGE_INDEX_INVALID`.
 */
export function decodePrimary(container: Uint8Array): PrimaryColumns {
  const sections = decodeSections(CONTAINER, container);
  const { bytes, fields, relations, ends, items, diagnostics } = sections as Partial<Sections>;
  const names = lookupColumns('names', sections);
  const provides = lookupColumns('provides', sections);
  const obsoletes = lookupColumns('obsoletes', sections);
  const numbers = [fields, relations, ends, items].every((column) => column instanceof Uint32Array);
  if (!numbers || !(bytes instanceof Uint8Array && diagnostics instanceof Uint8Array) || !names || !provides || !obsoletes) {
    throw packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
      message: 'a cached package index cannot be used: it lacks columns',
      hint: 'Nothing is lost: the index of the repository is read again.',
    });
  }
  const text = Buffer.from(diagnostics.buffer, diagnostics.byteOffset, diagnostics.byteLength).toString('utf8');
  return {
    bytes,
    fields: fields as Uint32Array,
    relations: relations as Uint32Array,
    ends: ends as Uint32Array,
    items: items as Uint32Array,
    names,
    provides,
    obsoletes,
    diagnostics: JSON.parse(text) as IndexDiagnostic[],
  };
}
