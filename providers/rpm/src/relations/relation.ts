import { compareEvr, formatEvr } from './evr.js';
import type { Evr } from './evr.js';

/** Which versions a relation means: a sum of {@link LESS}, {@link EQUAL} and {@link GREATER}; 0 for all. */
export type RelationSense = number;

export const LESS = 2;
export const GREATER = 4;
export const EQUAL = 8;

/** One name with the versions that are meant. The object of a table, so that equal relations are identical. */
export interface Relation {
  readonly name: string;
  readonly sense: RelationSense;
  /** Undefined exactly when `sense` is 0. */
  readonly evr: Evr | undefined;
}

const SIGNS: Readonly<Record<number, string>> = {
  [LESS]: '<',
  [LESS | EQUAL]: '<=',
  [EQUAL]: '=',
  [GREATER | EQUAL]: '>=',
  [GREATER]: '>',
  [LESS | GREATER]: '<>',
};

/** The sign of a sense, such as `>=`; empty for 0. */
export function senseSign(sense: RelationSense): string {
  return SIGNS[sense & (LESS | EQUAL | GREATER)] ?? '';
}

/** The sense of a sign: `<`, `<=`, `=`, `>=`, `>`, also `==`, `=<`, `=>`; undefined for anything else. */
export function parseSense(sign: string): RelationSense | undefined {
  if (!/^(?:<|<=|=<|=|==|>=|=>|>)$/.test(sign)) return undefined;
  return (sign.includes('<') ? LESS : 0) | (sign.includes('>') ? GREATER : 0) | (sign.includes('=') ? EQUAL : 0);
}

/** As rpm prints it: `name >= 1:2.0-3`. */
export function formatRelation({ name, sense, evr }: Relation): string {
  return evr === undefined ? name : `${name} ${senseSign(sense)} ${formatEvr(evr)}`;
}

/**
 * Whether some version is meant by both relations, whatever their names: rpm's test for "provides satisfies requires" and "conflicts
 * meets provides".
 *
 * A relation without version means all versions, so it meets every other. A side without release means every release when its sign
 * includes equality; else the releases are not looked at.
 *
 * @see rpm's rpmdsCompare and rpmdepends.at
 */
export function rangesMeet(a: Pick<Relation, 'sense' | 'evr'>, b: Pick<Relation, 'sense' | 'evr'>): boolean {
  if (a.evr === undefined || b.evr === undefined) return true;
  const order = compareEvr(a.evr, b.evr);
  if (order === 0 && (a.evr.release === undefined) !== (b.evr.release === undefined)) {
    const open = a.evr.release === undefined ? a : b;
    if ((open.sense & EQUAL) !== 0) return true;
  }
  if (order < 0) return (a.sense & GREATER) !== 0 || (b.sense & LESS) !== 0;
  if (order > 0) return (a.sense & LESS) !== 0 || (b.sense & GREATER) !== 0;
  return (a.sense & b.sense & (LESS | EQUAL | GREATER)) !== 0;
}

/** Makes relations, each distinct one once: an archive repeats most of them many times. */
export class RelationTable {
  readonly #byName = new Map<string, Relation[]>();

  /** @param evr ignored when `sense` is 0; a sense without a version is no restriction, as in rpm. */
  relation(name: string, sense: RelationSense = 0, evr?: Evr): Relation {
    const bounded = sense !== 0 && evr !== undefined;
    let known = this.#byName.get(name);
    if (known === undefined) this.#byName.set(name, (known = []));
    for (const relation of known) {
      if (bounded ? relation.sense === sense && isSame(relation.evr!, evr) : relation.sense === 0) return relation;
    }
    const relation: Relation = bounded ? { name, sense, evr } : { name, sense: 0, evr: undefined };
    known.push(relation);
    return relation;
  }
}

function isSame(a: Evr, b: Evr): boolean {
  return a.version === b.version && a.release === b.release && a.epoch === b.epoch;
}
