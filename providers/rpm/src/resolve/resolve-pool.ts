import { nameFilter } from '@ict/package-index';
import type { NameFilter } from '@ict/package-index';
import type { Architecture, FavouredPackage } from '@ict/plugin-api';
import { architectureRank } from '../architecture.js';
import { compareEvr, formatEvr } from '../relations/evr.js';
import type { Evr } from '../relations/evr.js';
import type { HidingModule } from '../metadata/module-filter.js';
import type { PackagesIndex, PrimaryPackage } from '../metadata/packages-index.js';
import { INSTALL_ONLY } from '../quirks.js';
import { EQUAL, rangesMeet } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import type { PackageSet } from './rich-clauses.js';
import type { RelationKind } from '../package/tags.js';

/** A repository as the resolver sees it. */
export interface PoolRepository {
  readonly id: string;
  /** Higher wins over a higher version: of one name only the repositories with the highest priority are looked at. */
  readonly priority: number;
  /** Of equal packages, those of the repository with the lowest cost are preferred. */
  readonly cost: number;
  /** Names of packages that are taken from it. */
  readonly filter: NameFilter;
  /** Why modules hide packages, by their places in the index. */
  readonly hidden?: ReadonlyMap<number, HidingModule>;
  readonly index: PackagesIndex;
}

const NONE: readonly never[] = Object.freeze([]);
const NOTHING_BEHIND: ReadonlyMap<string, Evr> = new Map();

/**
 * The version of what is asked for that a package provides: of several the one that is listed first, also when another was meant, as with
 * libsolv. Undefined when it provides it without a version, or as a file.
 */
function providedVersion({ name, evr, relations }: PrimaryPackage, asked: Relation): Evr | undefined {
  const stated = relations.provides?.find((provided) => provided.name === asked.name);
  if (stated !== undefined) return stated.evr;
  return name === asked.name ? evr : undefined;
}

/** What is behind comes later, of that the lower version last. */
function compareBehind(a: Evr | undefined, b: Evr | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareEvr(b, a);
}

/**
 * The packages of all repositories as solvables, numbered from 1: repository after repository, in the order of their metadata. Those of
 * foreign architectures, those that a repository may not give, and those that modules hide are not seen.
 */
export class Pool {
  readonly count: number;
  readonly machine: Architecture;
  readonly repositories: readonly PoolRepository[];
  /** Paths that something needs and no package is known to bring: the full file lists may know more. */
  readonly missingPaths = new Set<string>();
  /** By solvable: whether it may be installed. */
  readonly #seen: Uint8Array;
  readonly #repositoryOf: Uint16Array;
  readonly #bases: number[] = [];
  /** Versions of an earlier answer by name; an empty list favours the package in any version. */
  readonly #favoured: ReadonlyMap<string, readonly string[]>;
  readonly #installOnly: readonly string[];
  #installOnlyMembers: ReadonlySet<number> | undefined;
  readonly #all = new Map<string, readonly number[]>();
  readonly #satisfying = new Map<Relation, readonly number[]>();
  readonly #obsoleters = new Map<string, readonly number[]>();

  /**
   * @param favour packages of an earlier answer: their versions, and they themselves among providers, are preferred.
   * @param installOnly what packages are called, or provide, that stand side by side in several versions.
   */
  constructor(
    repositories: readonly PoolRepository[],
    machine: Architecture,
    {
      favour = NONE,
      installOnly = INSTALL_ONLY,
    }: { readonly favour?: readonly FavouredPackage[]; readonly installOnly?: readonly string[] } = {},
  ) {
    const versions = Map.groupBy(favour, ({ name }) => name);
    this.#favoured = new Map([...versions].map(([name, all]) => [name, all.flatMap(({ version = [] }) => version)]));
    this.#installOnly = installOnly;
    this.repositories = repositories;
    this.machine = machine;
    this.count = repositories.reduce((sum, { index }) => sum + index.count, 0);
    this.#seen = new Uint8Array(this.count + 1);
    this.#repositoryOf = new Uint16Array(this.count + 1);
    let solvable = 1;
    repositories.forEach(({ index, filter, hidden }, number) => {
      this.#bases.push(solvable);
      const passes = nameFilter(filter);
      for (let at = 0; at < index.count; at++, solvable++) {
        const fits = architectureRank(index.arch(at), machine) !== undefined;
        this.#seen[solvable] = fits && hidden?.has(at) !== true && passes(index.name(at)) ? 1 : 0;
        this.#repositoryOf[solvable] = number;
      }
    });
  }

  package(solvable: number): PrimaryPackage {
    return this.repository(solvable).index.package(this.placeOf(solvable));
  }

  name(solvable: number): string {
    return this.repository(solvable).index.name(this.placeOf(solvable));
  }

  /** Whether a package has a dependency of a kind. */
  has(solvable: number, kind: RelationKind): boolean {
    return this.repository(solvable).index.has(this.placeOf(solvable), kind);
  }

  repository(solvable: number): PoolRepository {
    return this.repositories[this.#repositoryOf[solvable]!]!;
  }

  /** Its place in the index of its repository. */
  placeOf(solvable: number): number {
    return solvable - this.#bases[this.#repositoryOf[solvable]!]!;
  }

  /** Every solvable that may be installed. */
  *members(): Generator<number> {
    for (let solvable = 1; solvable <= this.count; solvable++) if (this.#seen[solvable] === 1) yield solvable;
  }

  /** Packages of this name, the preferred one first; only of the repositories with the highest priority. */
  all(name: string): readonly number[] {
    const known = this.#all.get(name);
    if (known !== undefined) return known;
    const found = this.#collect((index) => index.byName(name));
    const best = found.reduce((highest, solvable) => Math.max(highest, this.repository(solvable).priority), -Infinity);
    const result = this.#ordered(found.filter((solvable) => this.repository(solvable).priority === best));
    this.#all.set(name, result);
    return result;
  }

  /** Packages of this name, or that provide it, that a repository has and {@link all} does not give; for messages. */
  missedBy(name: string): readonly number[] {
    return this.repositories.flatMap(({ index }, number) =>
      Array.from(new Set([...index.byName(name), ...index.providersOf(name)]), (at) => this.#bases[number]! + at).filter(
        (solvable) => !this.all(this.name(solvable)).includes(solvable),
      ),
    );
  }

  /** Names of packages that replace some version of a name; for messages. */
  replacing(name: string): readonly string[] {
    return [...new Set(this.#replacing(name).map((solvable) => this.name(solvable)))].sort();
  }

  /** Packages that satisfy a relation through their name, what they provide, or a file, the preferred one first. */
  satisfying(relation: Relation): readonly number[] {
    const known = this.#satisfying.get(relation);
    if (known !== undefined) return known;
    const { name } = relation;
    const found = this.#collect((index) => new Set([...index.byName(name), ...index.providersOf(name)])).filter((solvable) =>
      this.satisfies(solvable, relation),
    );
    if (found.length === 0 && name.startsWith('/')) this.missingPaths.add(name);
    const result = this.#ordered(
      found.filter((solvable) => this.all(this.package(solvable).name).includes(solvable)),
      relation,
    );
    this.#satisfying.set(relation, result);
    return result;
  }

  /** Whether one package satisfies a relation. Files have no versions. */
  satisfies(solvable: number, relation: Relation): boolean {
    const pkg = this.package(solvable);
    if (pkg.name === relation.name && rangesMeet({ sense: EQUAL, evr: pkg.evr }, relation)) return true;
    if (pkg.relations.provides?.some((provided) => provided.name === relation.name && rangesMeet(provided, relation)) === true) return true;
    if (!relation.name.startsWith('/')) return false;
    return this.repository(solvable).index.brings(this.placeOf(solvable), relation.name);
  }

  /** Packages of a set, the preferred one first. */
  membersOf(set: PackageSet): readonly number[] {
    if (set.kind === 'relation') return this.satisfying(set.relation);
    const [first = NONE, ...rest] = set.sets.map((each) => this.membersOf(each));
    if (set.kind === 'or') return [...new Set([first, ...rest].flat())];
    return first.filter((solvable) => rest.every((other) => other.includes(solvable) === (set.kind === 'with')));
  }

  /** Whether other versions of a package can stand beside it, if the same holds for them: dnf asks what it is called and what it provides. */
  isInstallOnly(solvable: number): boolean {
    this.#installOnlyMembers ??= new Set(this.#installOnly.flatMap((name) => this.satisfying({ name, sense: 0, evr: undefined })));
    return this.#installOnlyMembers.has(solvable);
  }

  /**
   * Packages, and those of other names that replace the newest version of one, as dnf does since 4.18: that an older one is replaced
   * means nothing where a newer one is not. The preferred one first.
   */
  withReplacements(solvables: readonly number[]): readonly number[] {
    const newest = this.#newest(solvables, ({ name, arch }) => `${name}.${arch}`);
    const replacements = [...newest.values()].flatMap((solvable) => this.obsoletersOf(solvable));
    return replacements.length === 0 ? solvables : this.#ordered([...new Set([...replacements, ...solvables])]);
  }

  /** Packages of other names that replace a package, the preferred one first. */
  obsoletersOf(solvable: number): readonly number[] {
    return this.#ordered(this.#replacementsOf(solvable));
  }

  /** Forgets what was looked up by path, because indexes know more files now. */
  forgetPaths(): void {
    this.missingPaths.clear();
    for (const relation of this.#satisfying.keys()) if (relation.name.startsWith('/')) this.#satisfying.delete(relation);
  }

  /** Packages of other names that replace a package, in no order of preference. */
  #replacementsOf(solvable: number): readonly number[] {
    const { name, evr } = this.package(solvable);
    return this.#replacing(name).filter((other) => {
      const pkg = this.package(other);
      return pkg.name !== name && pkg.relations.obsoletes!.some((each) => each.name === name && rangesMeet({ sense: EQUAL, evr }, each));
    });
  }

  /** Packages that replace some version of a name. */
  #replacing(name: string): readonly number[] {
    const known = this.#obsoleters.get(name);
    if (known !== undefined) return known;
    const found = this.#collect((index) => index.obsoletersOf(name));
    this.#obsoleters.set(name, found);
    return found;
  }

  /** Solvables that indexes know under something, in order. */
  #collect(lookUp: (index: PackagesIndex) => Iterable<number>): number[] {
    const found: number[] = [];
    this.repositories.forEach(({ index }, number) => {
      const base = this.#bases[number]!;
      for (const at of lookUp(index)) if (this.#seen[base + at] === 1) found.push(base + at);
    });
    return found;
  }

  /** 0 for the version that an earlier answer had, 1 for others. */
  #versionRank({ name, evr }: PrimaryPackage): number {
    return this.#favoured.get(name)?.includes(formatEvr(evr)) === true ? 0 : 1;
  }

  /**
   * The order of preference, as libsolv's: priority of the repository, architecture, what nothing else among them replaces, what provides
   * the highest version of what is asked for (or none, which is no lower one), then by name, of one name the highest version, of equal versions that of the repository with the lowest cost, then the first. What an earlier answer
   * had comes before architecture and replacement, and its version before higher ones.
   */
  #ordered(solvables: readonly number[], asked?: Relation): readonly number[] {
    if (solvables.length < 2) return solvables;
    const replaced = new Set(solvables.filter((solvable) => this.#replacementsOf(solvable).some((other) => solvables.includes(other))));
    const behind = asked === undefined ? NOTHING_BEHIND : this.#behind(solvables, asked);
    return [...solvables].sort((a, b) => {
      const [x, y] = [this.package(a), this.package(b)];
      return (
        this.repository(b).priority - this.repository(a).priority ||
        Number(this.#favoured.has(y.name)) - Number(this.#favoured.has(x.name)) ||
        architectureRank(x.arch, this.machine)! - architectureRank(y.arch, this.machine)! ||
        Number(replaced.has(a)) - Number(replaced.has(b)) ||
        compareBehind(behind.get(x.name), behind.get(y.name)) ||
        (x.name === y.name ? this.#versionRank(x) - this.#versionRank(y) || compareEvr(y.evr, x.evr) : x.name < y.name ? -1 : 1) ||
        this.repository(a).cost - this.repository(b).cost ||
        a - b
      );
    });
  }

  /** The newest package of each kind, of equal ones the first. */
  #newest(solvables: readonly number[], kindOf: (pkg: PrimaryPackage) => string): ReadonlyMap<string, number> {
    const newest = new Map<string, number>();
    for (const solvable of solvables) {
      const pkg = this.package(solvable);
      const known = newest.get(kindOf(pkg));
      if (known === undefined || compareEvr(pkg.evr, this.package(known).evr) > 0) newest.set(kindOf(pkg), solvable);
    }
    return newest;
  }

  /** Names of packages whose newest one provides a lower version of what is asked for than another does, and which. */
  #behind(solvables: readonly number[], asked: Relation): ReadonlyMap<string, Evr> {
    const newest = this.#newest(solvables, ({ name }) => name);
    if (newest.size < 2) return NOTHING_BEHIND;
    const provided = new Map<string, Evr>();
    for (const [name, solvable] of newest) {
      const evr = providedVersion(this.package(solvable), asked);
      if (evr !== undefined) provided.set(name, evr);
    }
    const best = [...provided.values()].reduce<Evr | undefined>((a, b) => (a === undefined || compareEvr(b, a) > 0 ? b : a), undefined);
    for (const [name, evr] of provided) if (best === undefined || compareEvr(evr, best) >= 0) provided.delete(name);
    return provided;
  }
}
