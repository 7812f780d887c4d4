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
  /** The end of a list's run of {@link member}; it begins where that of the list before ends. */
  listEnd(list: number): number;
  /** The group at a place. */
  member(at: number): number;
  /** The end of a group's run of alternatives; it begins where that of the group before ends. */
  groupEnd(group: number): number;
  /** The group as it is written. */
  groupText(group: number): string;
  /** Number of the name that an alternative has. */
  alternativeName(alternative: number): number;
  operator(alternative: number): RelationOperator | undefined;
  /** Present exactly when the operator is. */
  version(alternative: number): string | undefined;
  /** Number of a package's own name. */
  packageName(row: number): number;
  nameText(name: number): string;
}

/** Bits of an alternative's shape that hold its operator; above them is the length of its version in bytes. */
const OPERATOR_BITS = 3;

/** Number of an operator and length of a version as one number; 0 without. */
export function shapeOf(operator: number, versionLength: number): number {
  return (versionLength << OPERATOR_BITS) | operator;
}

/** See {@link shapeOf}. */
export function operatorIn(shape: number): RelationOperator | undefined {
  return OPERATORS[shape & ((1 << OPERATOR_BITS) - 1)];
}

/** See {@link shapeOf}. */
export function versionLengthIn(shape: number): number {
  return shape >>> OPERATOR_BITS;
}
