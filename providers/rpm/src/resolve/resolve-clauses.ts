import type { Seed } from '@ict/plugin-api';
import type { Clause, ClauseKind, DependencyProvider } from '@ict/solver';
import { hasCode } from '@ict/plugin-api';
import { mayCoexist } from '../architecture.js';
import { compareEvr } from '../relations/evr.js';
import { EQUAL, rangesMeet } from '../relations/relation.js';
import type { Relation, RelationTable } from '../relations/relation.js';
import type { Pool } from './resolve-pool.js';
import { isRich, parseRich } from '../relations/rich.js';
import type { Rich } from '../relations/rich.js';
import { richClauses } from './rich-clauses.js';
import type { RichClause } from './rich-clauses.js';
import { rpmlibFeature } from '../relations/rpmlib.js';
import type { RelationKind } from '../package/tags.js';

/** Why the solver has a clause. */
export type Reason =
  | { readonly kind: 'seed'; readonly seed: Seed }
  | { readonly kind: 'relation'; readonly field: RelationKind; readonly relation: Relation }
  | { readonly kind: 'one-version'; readonly name: string };

/** A boolean dependency of a package that cannot be read, or is too complex. */
export interface UnreadableDependency {
  readonly solvable: number;
  readonly field: RelationKind;
  readonly relation: Relation;
  readonly isTooComplex: boolean;
}

/** Combinations of packages that fulfil a condition; no real dependency comes near. */
const MAX_COMBINATIONS = 4096;
const NONE: readonly never[] = Object.freeze([]);

/**
 * Says to the solver what a package needs and excludes: Requires, Conflicts, Obsoletes, one version of each name that is not install-only, and, when
 * they count, the weak dependencies in both directions.
 */
export class Clauses implements DependencyProvider<Reason> {
  readonly #pool: Pool;
  readonly #table: RelationTable;
  readonly #weak: boolean;
  readonly #parsed = new Map<string, Rich | undefined>();
  readonly #rich = new Map<string, readonly RichClause[] | undefined>();
  #backward: Map<number, Clause<Reason>[]> | undefined;
  /** Dependencies that were met and cannot be read. */
  readonly unreadable = new Map<string, UnreadableDependency>();

  /** @param weak whether Recommends and Supplements bring packages in; Suggests and Enhances only choose. */
  constructor(pool: Pool, table: RelationTable, weak: boolean) {
    this.#pool = pool;
    this.#table = table;
    this.#weak = weak;
  }

  clausesOf(solvable: number): Clause<Reason>[] {
    const pkg = this.#pool.package(solvable);
    const clauses: Clause<Reason>[] = [];
    const rivals = this.#rivals(solvable);
    if (rivals.length > 0) clauses.push({ kind: 'conflicts', targets: rivals, reason: { kind: 'one-version', name: pkg.name } });
    const { relations } = pkg;
    for (const relation of relations.requires ?? NONE) clauses.push(...this.#forward(solvable, 'requires', 'requires', relation));
    for (const relation of relations.conflicts ?? NONE) clauses.push(...this.#forward(solvable, 'conflicts', 'conflicts', relation));
    for (const relation of relations.obsoletes ?? NONE) {
      const targets = this.#pool
        .all(relation.name)
        .filter((other) => other !== solvable && rangesMeet({ sense: EQUAL, evr: this.#pool.package(other).evr }, relation));
      if (targets.length > 0 && relation.name !== pkg.name) {
        clauses.push({ kind: 'conflicts', targets, reason: { kind: 'relation', field: 'obsoletes', relation } });
      }
    }
    if (!this.#weak) return clauses;
    for (const relation of relations.recommends ?? NONE) clauses.push(...this.#forward(solvable, 'recommends', 'recommends', relation));
    for (const relation of relations.suggests ?? NONE) clauses.push(...this.#forward(solvable, 'suggests', 'suggests', relation));
    this.#backward ??= this.#collectBackward();
    clauses.push(...(this.#backward.get(solvable) ?? NONE));
    return clauses;
  }

  /** What a boolean dependency means; undefined for one that cannot be read, or {@link isTooComplex}. */
  clausesOfRich(name: string, holds = true): readonly RichClause[] | undefined {
    const key = `${holds}${name}`;
    if (this.#rich.has(key)) return this.#rich.get(key);
    const rich = this.parsed(name);
    const read = rich === undefined ? undefined : readable(() => richClauses(rich, holds));
    const clauses = read?.every((clause) => this.#canBeSaid(clause)) === true ? read : undefined;
    this.#rich.set(key, clauses);
    return clauses;
  }

  /** True for a boolean dependency that is well-formed, and not followed all the same: it needs too many clauses, or combinations of packages. */
  isTooComplex(name: string, holds: boolean): boolean {
    return this.parsed(name) !== undefined && this.clausesOfRich(name, holds) === undefined;
  }

  /** Whether few enough combinations of packages make the condition of a clause true. */
  #canBeSaid({ some, none }: RichClause): boolean {
    // Where nothing is wanted, one set is what the others exclude.
    const conditions = some.length > 0 ? none : none.slice(1);
    return countCombinations(conditions.map((set) => this.#pool.membersOf(set))) <= MAX_COMBINATIONS;
  }

  /** A boolean dependency, taken apart; undefined for one that cannot be read, and for any other name. */
  parsed(name: string): Rich | undefined {
    if (!isRich(name)) return undefined;
    if (this.#parsed.has(name)) return this.#parsed.get(name);
    const rich = readable(() => parseRich(name, this.#table));
    this.#parsed.set(name, rich);
    return rich;
  }

  /**
   * Other packages of the name that cannot stand beside this one. Libraries of a second architecture can, in the same version, and install-only
   * packages in another version.
   */
  #rivals(solvable: number): number[] {
    const { name, arch, evr } = this.#pool.package(solvable);
    return this.#pool.all(name).filter((other) => {
      if (other === solvable) return false;
      const pkg = this.#pool.package(other);
      const isOfVersion = compareEvr(evr, pkg.evr) === 0;
      if (isOfVersion && mayCoexist(arch, pkg.arch)) return false;
      const isTwin = isOfVersion && arch === pkg.arch;
      return isTwin || !this.#pool.isInstallOnly(solvable) || !this.#pool.isInstallOnly(other);
    });
  }

  #forward(solvable: number, kind: ClauseKind, field: RelationKind, relation: Relation): Clause<Reason>[] {
    const reason = { kind: 'relation', field, relation } as const;
    if (isRich(relation.name)) {
      const holds = kind !== 'conflicts';
      const clauses = this.clausesOfRich(relation.name, holds);
      // What cannot be read cannot be had: a package with it is never taken for one without.
      if (clauses === undefined) {
        const isTooComplex = this.isTooComplex(relation.name, holds);
        this.unreadable.set(`${solvable} ${field} ${relation.name}`, { solvable, field, relation, isTooComplex });
        return kind === 'requires' || kind === 'conflicts' ? [{ kind: 'requires', targets: NONE, reason }] : [];
      }
      return clauses.flatMap((clause) => this.#lower(kind === 'conflicts' ? 'requires' : kind, clause, reason, solvable));
    }
    if (kind === 'requires' && rpmlibFeature(relation.name) === true) return [];
    const targets = this.#pool.satisfying(relation);
    return kind === 'conflicts' && targets.length === 0 ? [] : [{ kind, targets, reason }];
  }

  /** One clause of a boolean dependency in the solver's words. */
  #lower(kind: ClauseKind, { some, none }: RichClause, reason: Reason & { readonly kind: 'relation' }, owner: number): Clause<Reason>[] {
    const targets = [...new Set(some.flatMap((set) => this.#pool.membersOf(set)))];
    const conditions = none.map((set) => this.#pool.membersOf(set));
    if (some.length > 0) return combinations(conditions).map((when) => ({ kind, targets, reason, ...(when.length === 0 ? {} : { when }) }));
    // Weak dependencies exclude nothing.
    if (kind !== 'requires') return [];
    // The package itself is there: what wants it absent does not hold.
    const open = conditions.filter((set) => !set.includes(owner));
    if (open.length === 0 && reason.field === 'requires') return [{ kind: 'requires', targets: NONE, reason }];
    // But nothing conflicts with itself.
    const [excluded = NONE, ...others] = open.length === 0 ? conditions : open;
    if (excluded.length === 0) return [];
    return combinations(others).map((when) => ({
      kind: 'conflicts',
      targets: excluded,
      reason,
      ...(when.length === 0 ? {} : { when }),
    }));
  }

  /** Supplements and Enhances as clauses of the packages that they speak of. */
  #collectBackward(): Map<number, Clause<Reason>[]> {
    const found = new Map<number, Clause<Reason>[]>();
    for (const solvable of this.#pool.members()) {
      for (const [field, kind] of [
        ['supplements', 'recommends'],
        ['enhances', 'suggests'],
      ] as const) {
        if (!this.#pool.has(solvable, field)) continue;
        for (const relation of this.#pool.package(solvable).relations[field] ?? NONE) {
          const reason: Reason = { kind: 'relation', field, relation };
          for (const { there, unless } of this.#fulfilments(relation)) {
            const [owner, ...when] = there;
            // What speaks of nothing but an absence brings nothing in, as with libsolv.
            if (owner === undefined || owner === solvable) continue;
            const conditions = { ...(when.length === 0 ? {} : { when }), ...(unless.length === 0 ? {} : { unless }) };
            const clause = { kind, targets: [solvable], reason, ...conditions };
            const known = found.get(owner);
            if (known === undefined) found.set(owner, [clause]);
            else known.push(clause);
          }
        }
      }
    }
    return found;
  }

  /** The ways in which a dependency can be fulfilled. */
  #fulfilments(relation: Relation): readonly Fulfilment[] {
    if (!isRich(relation.name)) return this.#pool.satisfying(relation).map((solvable) => ({ there: [solvable], unless: NONE }));
    // It holds where a clause of its opposite does not: all that this wants absent is there, and nothing of what it wants there.
    const opposite = this.clausesOfRich(relation.name, false) ?? [];
    return opposite.flatMap(({ some, none }) => {
      const unless = [...new Set(some.flatMap((set) => this.#pool.membersOf(set)))];
      const wanted = none.map((set) => this.#pool.membersOf(set));
      // A weak dependency of that many packages brings nothing in.
      return countCombinations(wanted) > MAX_COMBINATIONS ? [] : combinations(wanted).map((there) => ({ there, unless }));
    });
  }
}

/** All of some packages are there, and none of others. */
interface Fulfilment {
  readonly there: readonly number[];
  readonly unless: readonly number[];
}

/** @returns undefined for a dependency that cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ICT_RPM_RELATION_INVALID')) return undefined;
    throw error;
  }
}

/** Every way to take one of each list. */
function combinations(lists: readonly (readonly number[])[]): readonly (readonly number[])[] {
  // Not found out at the last list only: those before it may have any number of packages.
  if (lists.some((list) => list.length === 0)) return [];
  return lists.reduce<readonly (readonly number[])[]>((all, list) => all.flatMap((one) => list.map((item) => [...one, item])), [[]]);
}

function countCombinations(lists: readonly (readonly number[])[]): number {
  return lists.reduce((product, list) => product * list.length, 1);
}
