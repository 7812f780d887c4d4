import { rpmError } from '../errors.js';
import type { Relation } from '../relations/relation.js';
import type { Rich } from '../relations/rich.js';

/** A set of packages: those that satisfy a relation, or what `with`, `without` and `or` make of such sets. */
export type PackageSet =
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'with' | 'without' | 'or'; readonly sets: readonly PackageSet[] };

/** At least one package of one of the `some` sets is there, or all packages of one of the `none` sets are not. */
export interface RichClause {
  readonly some: readonly PackageSet[];
  readonly none: readonly PackageSet[];
}

/** No real dependency comes near. */
const MAX_CLAUSES = 256;

type Literal = { readonly set: PackageSet; readonly present: boolean };

/**
 * A boolean dependency as clauses that must all hold. The order of alternatives stays the order of preference.
 *
 * @param holds false for what must not hold: the meaning of a boolean `Conflicts`.
 * @throws `ICT_RPM_RELATION_INVALID` for one that needs more than 256 clauses.
 */
export function richClauses(rich: Rich, holds = true): readonly RichClause[] {
  return conjunction(rich, holds).map((literals) => ({
    some: literals.filter(({ present }) => present).map(({ set }) => set),
    none: literals.filter(({ present }) => !present).map(({ set }) => set),
  }));
}

/** Clauses, each a list of alternatives. */
type Clauses = readonly (readonly Literal[])[];

function conjunction(rich: Rich, holds: boolean): Clauses {
  switch (rich.kind) {
    case 'relation':
    case 'with':
    case 'without':
      return [[{ set: packageSet(rich), present: holds }]];
    case 'and':
    case 'or': {
      const parts = rich.operands.map((operand) => conjunction(operand, holds));
      return (rich.kind === 'and') === holds ? parts.flat() : parts.reduce(alternatives);
    }
    case 'if': {
      // then if condition else otherwise: (then or not condition) and (otherwise or condition)
      const { then, condition, otherwise } = rich;
      if (holds) {
        const first = alternatives(conjunction(then, true), conjunction(condition, false));
        return otherwise === undefined ? first : [...first, ...alternatives(conjunction(otherwise, true), conjunction(condition, true))];
      }
      const first = [...conjunction(condition, true), ...conjunction(then, false)];
      if (otherwise === undefined) return first;
      return alternatives(first, [...conjunction(condition, false), ...conjunction(otherwise, false)]);
    }
    case 'unless': {
      // then unless condition else otherwise: (then and not condition) or (otherwise and condition)
      const { then, condition, otherwise } = rich;
      if (holds) {
        const first = [...conjunction(then, true), ...conjunction(condition, false)];
        return otherwise === undefined ? first : alternatives(first, [...conjunction(otherwise, true), ...conjunction(condition, true)]);
      }
      const first = alternatives(conjunction(then, false), conjunction(condition, true));
      return otherwise === undefined ? first : [...first, ...alternatives(conjunction(otherwise, false), conjunction(condition, false))];
    }
  }
}

/** Either all of `a` or all of `b`. */
function alternatives(a: Clauses, b: Clauses): Clauses {
  if (a.length * b.length > MAX_CLAUSES) {
    throw rpmError('ICT_RPM_RELATION_INVALID', {
      message: `A boolean dependency needs more than ${MAX_CLAUSES} clauses`,
      hint: 'No real package has such a dependency; report it to the repository.',
    });
  }
  return a.flatMap((x) => b.map((y) => [...x, ...y]));
}

function packageSet(rich: Rich): PackageSet {
  if (rich.kind === 'relation') return rich;
  if (rich.kind === 'with' || rich.kind === 'without' || rich.kind === 'or') {
    return { kind: rich.kind, sets: rich.operands.map(packageSet) };
  }
  throw new TypeError(`"${rich.kind}" is no set of packages`); // The parser refuses these.
}
