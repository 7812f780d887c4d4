import { nameFilter } from '@ict/package-index';
import { hasCode } from '@ict/plugin-api';
import type { FavouredPackage } from '@ict/plugin-api';
import type { PackagesIndex, RelationField } from './packages-index.js';
import type { Provided, Relation, RelationGroup } from './relation.js';
import { compareDebVersions, satisfiesVersion } from './version.js';

/** apt's pin of an ordinary repository. */
export const DEFAULT_PRIORITY = 500;

/** A repository as the resolver sees it. */
export interface PoolRepository {
  readonly id: string;
  /** Names by which `name/suite` may mean it: suite, codename, version, id. */
  readonly suites: readonly string[];
  /** apt's pin: a higher one wins over a higher version; below 0 nothing is taken. */
  readonly priority: number;
  /** The only names that are taken from it; `*` stands for any characters. Absent or empty: all. */
  readonly allow?: readonly string[];
  /** Names of packages that are never taken from it. */
  readonly exclude?: readonly string[];
  readonly index: PackagesIndex;
}

/** A relation field that cannot be read. */
export interface UnreadableField {
  readonly field: RelationField | 'Provides';
  readonly message: string;
}

const NONE: readonly number[] = Object.freeze([]);

/**
 * The packages of all repositories as solvables, numbered from 1: repository after repository, in the order of their indexes.
 *
 * For each name one package is *offered*, as apt's candidate: of the repository with the highest priority, there the highest version,
 * of equal versions the first. A request for a version or a suite changes what is offered.
 *
 * One native architecture: packages of other architectures are not seen, `all` counts as native.
 */
export class Pool {
  readonly count: number;
  readonly arch: string;
  readonly repositories: readonly PoolRepository[];
  /** By repository: number of solvables before it. */
  readonly #bases: readonly number[];
  readonly #all = new Map<string, readonly number[]>();
  readonly #offered = new Map<string, readonly number[]>();
  readonly #pinned = new Map<string, readonly number[]>();
  readonly #suites = new Set<string>();
  readonly #targets = new Map<RelationGroup, readonly number[]>();
  readonly #providers = new Map<string, readonly number[]>();
  readonly #favoured: ReadonlyMap<string, string | undefined>;
  /** By repository: whether a name may be taken from it. */
  readonly #allowed: readonly ((name: string) => boolean)[];
  readonly #unreadable = new Map<number, UnreadableField>();
  /** By field: relations of the solvables that were asked for, because the search and what tells of its answer ask for the same. */
  readonly #relations = new Map<RelationField, Map<number, readonly RelationGroup[] | undefined>>();
  /** What solvables provide, as far as it was asked for. */
  readonly #provides = new Map<number, readonly Provided[] | undefined>();

  /**
   * @param arch Debian's name of the native architecture.
   * @param favour packages of an earlier answer: they come first among what satisfies a relation, and their versions before candidates.
   */
  constructor(repositories: readonly PoolRepository[], arch: string, favour: readonly FavouredPackage[] = []) {
    this.repositories = repositories;
    this.arch = arch;
    this.#favoured = new Map(favour.map(({ name, version }) => [name, version]));
    const bases: number[] = [];
    let count = 0;
    for (const { index } of repositories) {
      bases.push(count);
      count += index.count;
    }
    this.#bases = bases;
    this.count = count;
    this.#allowed = repositories.map((repository) => nameFilter(repository));
  }

  #repositoryNumber(solvable: number): number {
    let at = this.#bases.length - 1;
    while (this.#bases[at]! >= solvable) at--;
    return at;
  }

  repository(solvable: number): PoolRepository {
    return this.repositories[this.#repositoryNumber(solvable)]!;
  }

  /** The index that describes a solvable, and its number there. */
  locate(solvable: number): { readonly index: PackagesIndex; readonly at: number } {
    const number = this.#repositoryNumber(solvable);
    return { index: this.repositories[number]!.index, at: solvable - this.#bases[number]! - 1 };
  }

  name(solvable: number): string {
    const { index, at } = this.locate(solvable);
    return index.name(at);
  }

  version(solvable: number): string {
    const { index, at } = this.locate(solvable);
    return index.version(at);
  }

  /** `name:arch`: unique among what can be installed together. */
  id(solvable: number): string {
    const { index, at } = this.locate(solvable);
    return `${index.name(at)}:${index.arch(at)}`;
  }

  /** Every solvable of a repository that may be installed here, in the order of its index. */
  *members(repository: number): Generator<number> {
    const { index } = this.repositories[repository]!;
    const allowed = this.#allowed[repository]!;
    for (let at = 0; at < index.count; at++) {
      if (this.#isNative(index, at) && allowed(index.name(at))) yield this.#bases[repository]! + at + 1;
    }
  }

  /** Relations of one field; undefined when they cannot be read, which {@link unreadable} tells. */
  relations(solvable: number, field: RelationField): readonly RelationGroup[] | undefined {
    let known = this.#relations.get(field);
    if (known === undefined) this.#relations.set(field, (known = new Map()));
    return recalled(known, solvable, () => {
      const { index, at } = this.locate(solvable);
      return this.#readable(solvable, field, () => index.relations(at, field));
    });
  }

  /** What a package provides beside itself; undefined when that cannot be read, which {@link unreadable} tells. */
  provides(solvable: number): readonly Provided[] | undefined {
    return recalled(this.#provides, solvable, () => {
      const { index, at } = this.locate(solvable);
      return this.#readable(solvable, 'Provides', () => index.provides(at));
    });
  }

  /** Packages of which a field was asked for and could not be read. */
  get unreadable(): ReadonlyMap<number, UnreadableField> {
    return this.#unreadable;
  }

  #readable<T>(solvable: number, field: UnreadableField['field'], read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!hasCode(error, 'ICT_DEB_RELATION_INVALID')) throw error;
      this.#unreadable.set(solvable, { field, message: (error as Error).message });
      return undefined;
    }
  }

  #isNative(index: PackagesIndex, at: number): boolean {
    const arch = index.arch(at);
    return arch === this.arch || arch === 'all';
  }

  /** All packages of this name, the one that apt would take first. */
  all(name: string): readonly number[] {
    const known = this.#all.get(name);
    if (known !== undefined) return known;
    const found: number[] = [];
    this.repositories.forEach(({ index, priority }, number) => {
      if (priority < 0 || !this.#allowed[number]!(name)) return;
      for (const at of index.byName(name)) if (this.#isNative(index, at)) found.push(this.#bases[number]! + at + 1);
    });
    // The sort is stable: of equal versions the first stays first.
    if (found.length > 1) {
      found.sort(
        (a, b) => this.repository(b).priority - this.repository(a).priority || compareDebVersions(this.version(b), this.version(a)),
      );
    }
    const result = found.length === 0 ? NONE : found;
    this.#all.set(name, result);
    return result;
  }

  /** Packages of this name that may be chosen, the preferred one first. */
  offered(name: string): readonly number[] {
    const known = this.#offered.get(name);
    if (known !== undefined) return known;
    const all = this.all(name);
    let result = this.#pinned.get(name) ?? this.#candidates(name, all);
    if (this.#suites.size > 0) {
      const others = all.filter((solvable) => !result.includes(solvable) && this.#suites.has(this.repository(solvable).id));
      result = [...result, ...others.slice(0, 1)];
    }
    this.#offered.set(name, result);
    return result;
  }

  /** apt's candidate, and before it the version of an earlier answer. */
  #candidates(name: string, all: readonly number[]): readonly number[] {
    const candidate = all.slice(0, 1);
    const kept = this.#favoured.get(name);
    const found = kept === undefined ? undefined : all.find((solvable) => this.version(solvable) === kept);
    return found === undefined ? candidate : [...new Set([found, ...candidate])];
  }

  /** The same packages, those of an earlier answer first. */
  favouredFirst(solvables: readonly number[]): readonly number[] {
    if (this.#favoured.size === 0 || solvables.length < 2) return solvables;
    const isFavoured = (solvable: number): boolean => this.#favoured.has(this.name(solvable));
    return [...solvables.filter(isFavoured), ...solvables.filter((solvable) => !isFavoured(solvable))];
  }

  /** Offers one more package instead of the candidate of its name. Only before anything is looked up. */
  pin(solvable: number): void {
    const name = this.name(solvable);
    this.#pinned.set(name, [...new Set([...(this.#pinned.get(name) ?? []), solvable])]);
  }

  /** Offers what a repository has as second choice, as apt does for the needs of `name/suite`. Only before anything is looked up. */
  offerRepository(id: string): void {
    this.#suites.add(id);
  }

  /**
   * Offered packages that satisfy a group, in order of preference: alternative by alternative, in each the real package before those
   * that provide it, and of these as apt: essential, protected, higher priority, then the order of the indexes. What an earlier answer
   * had comes before all that.
   */
  targets(group: RelationGroup): readonly number[] {
    const known = this.#targets.get(group);
    if (known !== undefined) return known;
    const found: number[] = [];
    for (const relation of group) {
      for (const solvable of this.satisfying(relation)) if (!found.includes(solvable)) found.push(solvable);
    }
    const ordered = this.favouredFirst(found);
    this.#targets.set(group, ordered);
    return ordered;
  }

  /** Offered packages that satisfy one alternative. See {@link targets}. */
  satisfying(relation: Relation): readonly number[] {
    const matches = (solvable: number): boolean => this.#isArchitecture(relation, solvable);
    const real = this.offered(relation.name).filter((solvable) => matches(solvable) && fits(relation, this.version(solvable)));
    const provided = this.providers(relation.name).filter(
      (solvable) =>
        !real.includes(solvable) &&
        matches(solvable) &&
        this.provisions(solvable, relation.name).some(({ version }) => fits(relation, version)),
    );
    return provided.length === 0 ? real : [...real, ...provided];
  }

  /** Offered packages that a relation of `Conflicts` or `Breaks` excludes, whatever their order. */
  excluded(relation: Relation): readonly number[] {
    const { qualifier } = relation;
    if (qualifier !== undefined && qualifier !== 'any' && qualifier !== 'native' && qualifier !== this.arch) return NONE;
    return this.satisfying(qualifier === undefined ? relation : { ...relation, qualifier: undefined });
  }

  /** Offered packages that provide a name, in order of preference. */
  providers(name: string): readonly number[] {
    const known = this.#providers.get(name);
    if (known !== undefined) return known;
    const found: number[] = [];
    this.repositories.forEach(({ index }, number) => {
      for (const at of index.providersOf(name)) {
        const solvable = this.#bases[number]! + at + 1;
        if (this.offered(index.name(at)).includes(solvable) && this.provisions(solvable, name).length > 0) found.push(solvable);
      }
    });
    const result = found.length === 0 ? NONE : found.sort((a, b) => this.#rank(a) - this.#rank(b) || b - a);
    this.#providers.set(name, result);
    return result;
  }

  /** What a package provides under a name. */
  provisions(solvable: number, name: string): readonly Provided[] {
    return (this.provides(solvable) ?? []).filter(
      ({ name: provided, qualifier }) => provided === name && (qualifier === undefined || qualifier === 'any' || qualifier === this.arch),
    );
  }

  #rank(solvable: number): number {
    const { index, at } = this.locate(solvable);
    if (index.essential(at)) return 0;
    if (index.protected(at)) return 1;
    return 2 + index.priorityRank(at);
  }

  /** True when the package itself, offered or not, satisfies an alternative of its own name. */
  fits(relation: Relation, solvable: number): boolean {
    return this.#isArchitecture(relation, solvable) && fits(relation, this.version(solvable));
  }

  /** dpkg's rule (archsatisfied): `foreign` always will do, `:any` needs `allowed`, anything else the same architecture. */
  #isArchitecture({ qualifier }: Relation, solvable: number): boolean {
    if (qualifier === undefined || qualifier === 'native' || qualifier === this.arch) return true;
    const { index, at } = this.locate(solvable);
    const multiArch = index.multiArch(at);
    return multiArch === 'foreign' || (qualifier === 'any' && multiArch === 'allowed');
  }

  /** The part of a group that concerns this architecture; undefined when the whole group concerns others only. */
  applicable(group: RelationGroup): RelationGroup | undefined {
    if (group.every(({ architectures }) => architectures.length === 0)) return group;
    const rest = group.filter(({ architectures }) => concerns(architectures, this.arch));
    return rest.length === 0 ? undefined : rest;
  }
}

/** What `known` has for a key, else what `find` says, for the next time; `undefined` is an answer too. */
function recalled<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  const found = known.get(key);
  if (found !== undefined || known.has(key)) return found as V;
  const value = find();
  known.set(key, value);
  return value;
}

/** An unversioned provide satisfies no versioned relation. */
function fits({ operator, version: wanted }: Relation, version: string | undefined): boolean {
  if (operator === undefined || wanted === undefined) return true;
  return version !== undefined && satisfiesVersion(version, operator, wanted);
}

/** `[amd64 arm64]` or `[!i386]`. */
function concerns(architectures: readonly string[], arch: string): boolean {
  if (architectures.length === 0) return true;
  const matches = (pattern: string): boolean =>
    pattern === arch || pattern === 'any' || pattern === 'linux-any' || pattern === `any-${arch}`;
  const negated = architectures.filter((each) => each.startsWith('!'));
  return negated.length > 0 ? !negated.some((each) => matches(each.slice(1))) : architectures.some(matches);
}
