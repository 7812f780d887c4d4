import type { RelationOperator } from './version.js';

/** Fields whose relations a resolution asks for; a number of {@link RelationNumbers.list} is their place here. */
export const RELATION_FIELDS = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Recommends', 'Provides'] as const;

/** One of {@link RELATION_FIELDS}. */
export type KeptRelationField = (typeof RELATION_FIELDS)[number];

/** Places of {@link RELATION_FIELDS}. */
export const RELATION_PLACES: ReadonlyMap<string, number> = new Map(RELATION_FIELDS.map((field, place) => [field, place]));

/** The list of a field that cannot be read. */
export const UNREADABLE = 0xffff_ffff;

/** Operators by number; 0 is none. */
export const OPERATORS: readonly (RelationOperator | undefined)[] = [undefined, '<<', '<=', '=', '>=', '>>'];

/**
 * The relations of an index as a resolution walks through them: lists of groups (`a | b`), and groups of alternatives, as numbers. What is written alike
 * has one number.
 *
 * A group that says more than names and versions, or says that in another form than deb-control(5) writes it, has no alternatives here: its
 * text must be read.
 */
export interface RelationNumbers {
  /** The list of groups of a package and a field, by its place in {@link RELATION_FIELDS}; 0 is empty, or it is {@link UNREADABLE}. */
  list(row: number, place: number): number;
  /** How many groups a list has. */
  size(list: number): number;
  /** The group at a place of a list. */
  group(list: number, at: number): number;
  /** The group as it is written. */
  groupText(group: number): string;
  /** How many alternatives a group has. */
  alternatives(group: number): number;
  /** Number of the name that an alternative has, which is at a place of its group. */
  alternativeName(group: number, at: number): number;
  operator(group: number, at: number): RelationOperator | undefined;
  /** Present exactly when the operator is. */
  version(group: number, at: number): string | undefined;
  /** Number of a package's own name. */
  packageName(row: number): number;
  nameText(name: number): string;
}

/** Bits of an alternative's shape that hold its operator; above them is the length of its version in bytes. */
const OPERATOR_BITS = 3;

/** The operator of a shape, which holds it beside the length of a version in bytes; 0 without. */
export function operatorIn(shape: number): RelationOperator | undefined {
  return OPERATORS[shape & ((1 << OPERATOR_BITS) - 1)];
}

/** See {@link operatorIn}. */
export function versionLengthIn(shape: number): number {
  return shape >>> OPERATOR_BITS;
}
