import type { FavouredPackage } from '@ict/plugin-api';
import { formatGroup } from '../relations/relation.js';
import type { Relation, RelationGroup } from '../relations/relation.js';
import { Candidates } from './resolve-candidates.js';
import type { PackageName, Provider } from './resolve-names.js';
import type { PoolRepository } from './resolve-solvables.js';
import { satisfiesVersion } from '../relations/version.js';
import type { RelationOperator } from '../relations/version.js';

const NONE: readonly number[] = Object.freeze([]);

/** What `name:any` of a relation, and of a Provides field, has for an architecture. */
const ANY = 'any';

/**
 * Candidates, and which of them satisfy a relation or are excluded by one. A relation is that of a package of some architecture; every
 * method that takes one means the native architecture where none is given.
 *
 * @see deb-control(5), and dpkg's own rule, `deparchsatisfied`
 */
export class Pool extends Candidates {
  /** By place of an architecture and number of a group: what satisfies it for packages of that architecture; null when it does not concern them. */
  readonly #targets: readonly Map<number, readonly number[] | null>[];
  /** By number of a group: what it excludes, whoever asks; null when that depends on who asks. */
  readonly #excluded = new Map<number, readonly number[] | null>();

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
    this.#targets = this.architectures.map(() => new Map());
  }

  /**
   * Offered packages that satisfy a group of `groups`, in order of preference: alternative by alternative, in each the real package before those
   * that provide it, and of these as apt: essential, protected, native, higher priority, then the name that comes later in the indexes. What an earlier
   * answer had comes before all that.
   *
   * @returns null when the group does not concern the architecture.
   */
  targets(group: number, arch = this.arch): readonly number[] | null {
    const memo = this.#targets[this.architectures.indexOf(arch)]!;
    let targets = memo.get(group);
    if (targets === undefined) memo.set(group, (targets = this.#findTargets(group, arch)));
    return targets;
  }

  #findTargets(group: number, arch: string): readonly number[] | null {
    const { repository, number, numbers, alternatives } = this.locateGroup(group);
    let found: readonly number[] = NONE;
    if (alternatives === 0) {
      const relations = this.applicable(this.relationGroup(group), arch);
      if (relations === undefined) return null;
      for (const relation of relations) found = merged(found, this.satisfying(relation, arch));
    }
    for (let at = 0; at < alternatives; at++) {
      const name = this.nameAt(repository, numbers.alternativeName(number, at));
      found = merged(found, this.#satisfying(name, numbers.operator(number, at), numbers.version(number, at), undefined, arch));
    }
    return this.favouredFirst(found);
  }

  /** Offered packages that satisfy one alternative. See {@link targets}. */
  satisfying({ name, operator, version, qualifier }: Relation, arch = this.arch): readonly number[] {
    return this.#satisfying(this.nameOf(name), operator, version, qualifier, arch);
  }

  #satisfying(
    name: PackageName,
    operator: RelationOperator | undefined,
    version: string | undefined,
    qualifier: string | undefined,
    arch: string,
  ): readonly number[] {
    const found: number[] = [];
    const named = this.anywhereOf(name);
    for (let at = 0; at < named.length; at++) {
      const solvable = named[at]!;
      if (this.#reaches(qualifier, solvable, undefined, arch) && fitsVersion(operator, version, this.version(solvable)))
        found.push(solvable);
    }
    const real = found.length;
    const providers = this.providersOf(name);
    for (let at = 0; at < providers.length; at++) {
      const { solvable, provisions } = providers[at]!;
      if (found.lastIndexOf(solvable, real - 1) >= 0) continue;
      for (const provided of provisions) {
        if (!this.#reaches(qualifier, solvable, provided.qualifier, arch) || !fitsVersion(operator, version, provided.version)) continue;
        found.push(solvable);
        break;
      }
    }
    return found;
  }

  /** All that a group of `groups` excludes, one alternative after the other. */
  excludedBy(group: number, owner: number): readonly number[] {
    let excluded = this.#excluded.get(group);
    if (excluded === undefined) this.#excluded.set(group, (excluded = this.#findExcluded(group)));
    return excluded === null ? this.#excludedByRestricted(group, owner) : this.#others(excluded, owner);
  }

  /** @returns null when that depends on whose group it is. */
  #findExcluded(group: number): readonly number[] | null {
    const { repository, number, numbers, alternatives } = this.locateGroup(group);
    if (alternatives === 0) return null;
    let found = NONE;
    for (let at = 0; at < alternatives; at++) {
      const name = this.nameAt(repository, numbers.alternativeName(number, at));
      const more = this.#excluding(name, numbers.operator(number, at), numbers.version(number, at), undefined);
      found = found.length === 0 ? more : [...found, ...more];
    }
    return found;
  }

  #excludedByRestricted(group: number, owner: number): readonly number[] {
    const relations = this.applicable(this.relationGroup(group), this.archOf(owner)) ?? [];
    const found = relations.flatMap(({ name, operator, version, qualifier }) =>
      this.#excluding(this.nameOf(name), operator, version, qualifier),
    );
    return this.#others(found, owner);
  }

  /** Never another package of the owner's name: whether two of a name go together is told by {@link rivals}. */
  #others(solvables: readonly number[], owner: number): readonly number[] {
    if (solvables.length === 0) return solvables;
    const own = this.packageName(owner);
    for (let at = 0; at < solvables.length; at++) {
      if (this.packageName(solvables[at]!) === own) return solvables.filter((each) => this.packageName(each) !== own);
    }
    return solvables;
  }

  /**
   * Offered packages that an alternative of `Conflicts` or `Breaks` excludes, whatever their order: of every architecture, unless it names
   * one.
   */
  #excluding(
    name: PackageName,
    operator: RelationOperator | undefined,
    version: string | undefined,
    qualifier: string | undefined,
  ): readonly number[] {
    const only = qualifier === undefined || qualifier === ANY ? undefined : qualifier === 'native' ? this.arch : qualifier;
    const found: number[] = [];
    const named = this.anywhereOf(name);
    for (let at = 0; at < named.length; at++) {
      const solvable = named[at]!;
      const isMeant = only === undefined || this.archOf(solvable) === only;
      if (isMeant && fitsVersion(operator, version, this.version(solvable))) found.push(solvable);
    }
    const providers = this.providersOf(name);
    for (let at = 0; at < providers.length; at++) {
      const { solvable, provisions } = providers[at]!;
      const isMeant = only === undefined || this.archOf(solvable) === only;
      if (!isMeant || found.includes(solvable)) continue;
      if (provisions.some((provided) => fitsVersion(operator, version, provided.version))) found.push(solvable);
    }
    return found.length === 0 ? NONE : found;
  }

  /**
   * Offered packages of the same name that cannot be installed beside one: other versions, and other architectures unless both are
   * `Multi-Arch: same` and of one version. With itself among them when there are any.
   */
  rivals(solvable: number): readonly number[] {
    const all = this.anywhereOf(this.packageName(solvable));
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

  /** Offered packages that provide a name, in order of preference, and what they provide under it. */
  providers(name: string): readonly Provider[] {
    return this.providersOf(this.nameOf(name));
  }

  /** See {@link providers}. */
  protected providersOf(name: PackageName): readonly Provider[] {
    return (name.providers ??= this.#findProviders(name));
  }

  #findProviders(name: PackageName): readonly Provider[] {
    const found: Provider[] = [];
    for (let repository = 0; repository < this.repositories.length; repository++) {
      const providing = this.providing(repository, this.numberOf(name, repository));
      for (let at = 0; at < providing.length; at++) {
        const solvable = providing[at]!;
        if (!this.offeredOf(this.packageName(solvable), this.archOf(solvable)).includes(solvable)) continue;
        const provisions = this.provisions(solvable, name);
        if (provisions.length > 0) found.push({ solvable, provisions });
      }
    }
    if (found.length < 2) return found;
    return found.sort(
      ({ solvable: a }, { solvable: b }) =>
        this.#rank(a) - this.#rank(b) || this.#firstOf(b) - this.#firstOf(a) || this.#offeredPlace(a) - this.#offeredPlace(b),
    );
  }

  /** The first package of a solvable's name: as with apt, an update in a later repository does not move the name. */
  #firstOf(solvable: number): number {
    let first = solvable;
    for (const other of this.allOf(this.packageName(solvable), this.archOf(solvable))) if (other < first) first = other;
    return first;
  }

  #offeredPlace(solvable: number): number {
    return this.offeredOf(this.packageName(solvable), this.archOf(solvable)).indexOf(solvable);
  }

  #rank(solvable: number): number {
    const { index, at } = this.locate(solvable);
    if (index.essential(at)) return 0;
    if (index.protected(at)) return 1;
    return 2 + 8 * this.architectures.indexOf(this.archOf(solvable)) + index.priorityRank(at);
  }

  /** True when the package itself, offered or not, satisfies an alternative of its own name. */
  fits(relation: Relation, solvable: number, arch = this.arch): boolean {
    const { qualifier, operator, version } = relation;
    return this.#reaches(qualifier, solvable, undefined, arch) && fitsVersion(operator, version, this.version(solvable));
  }

  /**
   * Whether a relation of a package of `arch` means a package, as far as architectures go: `foreign` always will do where none is
   * named, `:any` needs `allowed`, anything else the same architecture.
   *
   * @param as architecture for which the package provides the name, when that is not its own.
   */
  #reaches(qualifier: string | undefined, solvable: number, as: string | undefined, arch: string): boolean {
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

  /** A group of `groups` as deb-control(5) writes it, as far as it concerns an architecture. */
  tellGroup(group: number, arch: string): string {
    const { number, numbers, alternatives } = this.locateGroup(group);
    return alternatives === 0 ? formatGroup(this.applicable(this.relationGroup(group), arch) ?? []) : numbers.groupText(number);
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
  if (more.length === 0) return first;
  const others = more.filter((solvable) => !first.includes(solvable));
  return others.length === 0 ? first : [...first, ...others];
}

/** An unversioned provide satisfies no versioned relation. */
function fitsVersion(operator: RelationOperator | undefined, wanted: string | undefined, version: string | undefined): boolean {
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
