import type { FavouredPackage } from '@ict/plugin-api';
import type { Provided, Relation, RelationGroup } from './relation.js';
import { Candidates } from './resolve-candidates.js';
import type { PoolRepository } from './resolve-solvables.js';
import { satisfiesVersion } from './version.js';

const NONE: readonly number[] = Object.freeze([]);
const NOTHING: readonly Provided[] = Object.freeze([]);

/** What `name:any` of a relation, and of a Provides field, has for an architecture. */
const ANY = 'any';

/**
 * Candidates, and which of them satisfy a relation or are excluded by one. A relation is that of a package of some architecture; every
 * method that takes one means the native architecture where none is given.
 *
 * @see deb-control(5), and dpkg's own rule, `deparchsatisfied`
 */
export class Pool extends Candidates {
  /** By architecture of the package that has them. */
  readonly #targets = new Map<string, Map<RelationGroup, readonly number[]>>();
  readonly #providers = new Map<string, readonly number[]>();

  /**
   * @param arch Debian's name of the native architecture.
   * @param favour packages of an earlier answer: they come first among what satisfies a relation, and their versions before candidates.
   * @param foreign architectures whose packages may be installed beside those of the native one, the preferred one first.
   */
  constructor(
    repositories: readonly PoolRepository[],
    arch: string,
    favour: readonly FavouredPackage[] = [],
    foreign: readonly string[] = [],
  ) {
    super(repositories, arch, foreign, favour);
    for (const each of this.architectures) this.#targets.set(each, new Map());
  }

  /**
   * Offered packages that satisfy a group, in order of preference: alternative by alternative, in each the real package before those
   * that provide it, and of these as apt: essential, protected, native, higher priority, then the order of the indexes. What an earlier
   * answer had comes before all that.
   */
  targets(group: RelationGroup, arch = this.arch): readonly number[] {
    const memo = this.#targets.get(arch)!;
    const known = memo.get(group);
    if (known !== undefined) return known;
    let found: readonly number[] = NONE;
    for (const relation of group) found = merged(found, this.satisfying(relation, arch));
    const ordered = this.favouredFirst(found);
    memo.set(group, ordered);
    return ordered;
  }

  /** Offered packages that satisfy one alternative. See {@link targets}. */
  satisfying(relation: Relation, arch = this.arch): readonly number[] {
    const { name } = relation;
    const found: number[] = [];
    for (const solvable of this.offeredAnywhere(name)) if (this.fits(relation, solvable, arch)) found.push(solvable);
    const real = found.length;
    for (const solvable of this.providers(name)) {
      if (this.#providesFor(relation, solvable, arch) && found.lastIndexOf(solvable, real - 1) < 0) found.push(solvable);
    }
    return found;
  }

  /** Whether a package satisfies an alternative by what it provides. */
  #providesFor(relation: Relation, solvable: number, arch: string): boolean {
    for (const { name, version, qualifier } of this.provides(solvable) ?? NOTHING) {
      if (name === relation.name && this.#reaches(relation, solvable, qualifier, arch) && fitsVersion(relation, version)) return true;
    }
    return false;
  }

  /** All that the alternatives of a group exclude, one after the other. See {@link excluded}. */
  excludedBy(group: RelationGroup, owner: number): readonly number[] {
    return group.length === 1 ? this.excluded(group[0]!, owner) : group.flatMap((relation) => this.excluded(relation, owner));
  }

  /**
   * Offered packages that a relation of `Conflicts` or `Breaks` excludes, whatever their order: of every architecture, unless it names
   * one. Never another package of the owner's name: whether two of a name go together is told by {@link rivals}.
   *
   * @param owner the package that has the relation.
   */
  excluded(relation: Relation, owner: number): readonly number[] {
    const { name, qualifier } = relation;
    const only = qualifier === undefined || qualifier === ANY ? undefined : qualifier === 'native' ? this.arch : qualifier;
    const own = this.name(owner);
    const found: number[] = [];
    const isMeant = (solvable: number): boolean => (only === undefined || this.archOf(solvable) === only) && this.name(solvable) !== own;
    for (const solvable of this.offeredAnywhere(name)) {
      if (isMeant(solvable) && fitsVersion(relation, this.version(solvable))) found.push(solvable);
    }
    for (const solvable of this.providers(name)) {
      if (!isMeant(solvable) || found.includes(solvable)) continue;
      if (this.provisions(solvable, name).some(({ version }) => fitsVersion(relation, version))) found.push(solvable);
    }
    return found.length === 0 ? NONE : found;
  }

  /**
   * Offered packages of the same name that cannot be installed beside one: other versions, and other architectures unless both are
   * `Multi-Arch: same` and of one version. With itself among them when there are any.
   */
  rivals(solvable: number): readonly number[] {
    const all = this.offeredAnywhere(this.name(solvable));
    if (all.length < 2) return NONE;
    const arch = this.archOf(solvable);
    const rest = all.filter(
      (other) =>
        other === solvable ||
        this.archOf(other) === arch ||
        !this.isSame(solvable) ||
        !this.isSame(other) ||
        this.version(other) !== this.version(solvable),
    );
    return rest.length < 2 ? NONE : rest;
  }

  /** Offered packages that provide a name, in order of preference. */
  providers(name: string): readonly number[] {
    const known = this.#providers.get(name);
    if (known !== undefined) return known;
    const found: number[] = [];
    for (let repository = 0; repository < this.repositories.length; repository++) {
      for (const solvable of this.providing(repository, name)) {
        const isOffered = this.offered(this.name(solvable), this.archOf(solvable)).includes(solvable);
        if (isOffered && this.provisions(solvable, name).length > 0) found.push(solvable);
      }
    }
    const result = found.length < 2 ? found : found.sort((a, b) => this.#rank(a) - this.#rank(b) || b - a);
    this.#providers.set(name, result);
    return result;
  }

  /** What a package provides under a name. */
  provisions(solvable: number, name: string): readonly Provided[] {
    return (this.provides(solvable) ?? []).filter(({ name: provided }) => provided === name);
  }

  #rank(solvable: number): number {
    const { index, at } = this.locate(solvable);
    if (index.essential(at)) return 0;
    if (index.protected(at)) return 1;
    return 2 + 8 * this.architectures.indexOf(this.archOf(solvable)) + index.priorityRank(at);
  }

  /** True when the package itself, offered or not, satisfies an alternative of its own name. */
  fits(relation: Relation, solvable: number, arch = this.arch): boolean {
    return this.#reaches(relation, solvable, undefined, arch) && fitsVersion(relation, this.version(solvable));
  }

  /**
   * Whether a relation of a package of `arch` means a package, as far as architectures go: `foreign` always will do where none is
   * named, `:any` needs `allowed`, anything else the same architecture.
   *
   * @param as architecture for which the package provides the name, when that is not its own.
   */
  #reaches({ qualifier }: Relation, solvable: number, as: string | undefined, arch: string): boolean {
    const wanted = qualifier === undefined ? arch : qualifier === 'native' ? this.arch : qualifier;
    if (wanted === (as ?? this.archOf(solvable))) return true;
    if (qualifier !== undefined && qualifier !== ANY) return false;
    const multiArch = this.indexOf(solvable).multiArch(this.rowOf(solvable));
    return multiArch === (qualifier === undefined ? 'foreign' : 'allowed');
  }

  /** Whether a package may be installed for several architectures, in one version (`Multi-Arch: same`). */
  isSame(solvable: number): boolean {
    return this.indexOf(solvable).multiArch(this.rowOf(solvable)) === 'same';
  }

  /** The part of a group that concerns an architecture; undefined when the whole group concerns others only. */
  applicable(group: RelationGroup, arch = this.arch): RelationGroup | undefined {
    if (!isRestricted(group)) return group;
    const rest = group.filter(({ architectures }) => concerns(architectures, arch));
    return rest.length === 0 ? undefined : rest;
  }
}

function isRestricted(group: RelationGroup): boolean {
  for (const { architectures } of group) if (architectures.length > 0) return true;
  return false;
}

/** The solvables of two lists, those of the first before the others, each once. */
function merged(first: readonly number[], more: readonly number[]): readonly number[] {
  if (first.length === 0) return more;
  const others = more.filter((solvable) => !first.includes(solvable));
  return others.length === 0 ? first : [...first, ...others];
}

/** An unversioned provide satisfies no versioned relation. */
function fitsVersion({ operator, version: wanted }: Relation, version: string | undefined): boolean {
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
