import type { Sections } from '@ict/package-index';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import { RelationReader } from '../relations/relation-reader.js';

/** What `RelationNumbers` tells of all packages, as columns. Texts lie where the values of fields do. */
export interface RelationColumns {
  /** By package and field: number of its list of groups. */
  readonly lists: Uint32Array;
  /** By list: the end of its run in `members`. List 0 is empty. */
  readonly ends: Uint32Array;
  /** Numbers of groups. */
  readonly members: Uint32Array;
  /** By group: where its text begins, and its length in bytes. */
  readonly starts: Uint32Array;
  readonly lengths: Uint32Array;
  /** By group: the end of its run of alternatives. */
  readonly groupEnds: Uint32Array;
  /** By alternative: number of its name. */
  readonly alternatives: Uint32Array;
  /** By alternative: its operator and the length of its version, see `shapeOf`. */
  readonly shapes: Uint32Array;
  /** By alternative: where its version begins. */
  readonly versions: Uint32Array;
  /** By package: number of its name. */
  readonly packageNames: Uint32Array;
  /** By name: where it lies, and its length in bytes. */
  readonly nameStarts: Uint32Array;
  readonly nameLengths: Uint32Array;
}

/**
 * Takes the relation fields of all packages apart.
 *
 * @param fields see `IndexColumns.fields`; equal texts are taken apart once where they lie in one place.
 * @param width columns of `fields`.
 */
export function readRelations(bytes: Uint8Array, fields: Uint32Array, width: number): RelationColumns {
  const reader = new RelationReader(bytes, fields, width);
  for (let row = 0; row < fields.length / width; row++) {
    reader.packageName(row);
    for (let place = 0; place < RELATION_FIELDS.length; place++) reader.list(row, place);
  }
  return reader.columns();
}

const COLUMNS = [
  ...(['lists', 'ends', 'members', 'starts', 'lengths', 'groupEnds'] as const),
  ...(['alternatives', 'shapes', 'versions', 'packageNames', 'nameStarts', 'nameLengths'] as const),
] as const;

/** The columns among the sections of a container; undefined when one is missing, or they do not belong together. */
export function relationColumns(sections: Sections, count: number): RelationColumns | undefined {
  if (!COLUMNS.every((column) => sections[column] instanceof Uint32Array)) return undefined;
  const columns = sections as Sections & RelationColumns;
  const { lists, ends, members, starts, lengths, groupEnds, alternatives, shapes, versions, packageNames, nameStarts, nameLengths } =
    columns;
  const belongTogether =
    lists.length === count * RELATION_FIELDS.length &&
    packageNames.length === count &&
    ends.at(-1) === members.length &&
    [lengths, groupEnds].every(({ length }) => length === starts.length) &&
    (groupEnds.at(-1) ?? 0) === alternatives.length &&
    [shapes, versions].every(({ length }) => length === alternatives.length) &&
    nameStarts.length === nameLengths.length;
  return belongTogether ? columns : undefined;
}
