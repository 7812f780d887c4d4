import type { FavouredPackage } from '@ict/plugin-api';
import { formatGroup } from '../relations/relation.js';
import type { Provided, Relation, RelationGroup } from '../relations/relation.js';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import { satisfiesVersion } from '../relations/version.js';
import { Candidates } from './resolve-candidates.js';
import type { PoolRepository } from './resolve-solvables.js';

const NONE: readonly number[] = Object.freeze([]);

/** A package, and what it provides under some name. */
export interface Provider {
  readonly solvable: number;
  readonly provisions: readonly Provided[];
}

/** Columns of assembly/members.ts, where each is described. */
const MEMBER_COLUMNS = ['relations', 'groups', 'places', 'needing', 'needed', 'asking', 'asked'] as const;

/** How the members of an answer need each other, by their places. */
export interface MemberRelations {
  /** Fours of a member, another that satisfies what it needs or recommends, the field by its place among those that are kept, and the text: in the order of both, those of one pair as they are written. */
  readonly relations: Uint32Array;
  /** As the relations are written. */
  readonly texts: readonly string[];
  /** Pairs of a member and one that it needs, in order. */
  readonly needing: Uint32Array;
  readonly needed: Uint32Array;
  /** Pairs of a member and one that it needs or recommends, in order. */
  readonly asking: Uint32Array;
  readonly asked: Uint32Array;
}

/**
 * Candidates, and which of them satisfy a relation or are excluded by one. A relation is that of a package of some architecture; every
 * method that takes one means the native architecture where none is given. The walk from relations to packages is assembly/satisfaction.ts; this decides what it asks.
 *
 * @see deb-control(5), and dpkg's own rule, `deparchsatisfied`
 */
export class Pool extends Candidates {
  #gathered: number | undefined = undefined;

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
  }

  /** How the store's module calls this pool. */
  get #pool(): number {
    return (this.#gathered ??= this.#gather());
  }

  #gather(): number {
    const { store, architectures, repositories } = this;
    const number = store.addPool({
      offer: (name, place) => this.choose(store.nameText(name), architectures[place]!),
      rank: (providers) => this.#ranked(providers),
      favour: (solvables) => this.favouredFirst(solvables),
      read: (group, place, excludes) => this.#read(this.relationGroup(group), architectures[place]!, excludes),
      unreadable: (solvable, field) => {
        this.noteUnreadable(solvable, RELATION_FIELDS[field]!);
      },
    });
    const words = repositories.flatMap(({ index, allow = [], exclude = [], pins, priority }, repository) => {
      const isQuestion = allow.length + exclude.length > 0 || pins !== undefined || priority < 0;
      return [index.handle, store.put(Uint32Array.from(this.seenIn(repository))), Number(isQuestion)];
    });
    for (const arch of architectures) words.push(store.nameNumber(arch));
    const place = store.put(Uint32Array.from(words));
    return store.module.gather(number, place, repositories.length, architectures.length, this.hasFavoured) >>> 0;
  }

  /** Packages of this name and architecture that may be chosen, the preferred one first. */
  offered(name: string, arch = this.arch): readonly number[] {
    const place = this.architectures.indexOf(arch);
    return place < 0 ? NONE : this.#list(this.store.module.offered(this.#pool, this.store.nameNumber(name), place));
  }

  /** Packages of this name that may be chosen, those of the native architecture first. */
  offeredAnywhere(name: string): readonly number[] {
    return this.#list(this.store.module.anywhere(this.#pool, this.store.nameNumber(name)));
  }

  /**
   * Offered packages that satisfy a group of `groups`, in order of preference: alternative by alternative, in each the real package before those
   * that provide it, and of these as apt: essential, protected, native, higher priority, then the name that comes later in the indexes. What an earlier
   * answer had comes before all that.
   *
   * @returns null when the group does not concern the architecture.
   */
  targets(group: number, arch = this.arch): readonly number[] | null {
    const { module } = this.store;
    const list = module.targets(this.#pool, group, this.architectures.indexOf(arch));
    return list === module.ELSEWHERE.value ? null : this.#list(list);
  }

  /** Offered packages that satisfy one alternative. See {@link targets}. */
  satisfying(relation: Relation, arch = this.arch): readonly number[] {
    return this.#list(this.store.module.targets(this.#pool, this.store.plainGroup(relation), this.architectures.indexOf(arch)));
  }

  /**
   * Offered packages that an alternative of `Conflicts` or `Breaks` excludes, whatever their order: of every architecture, unless it names
   * one.
   */
  #excluding(relation: Relation): readonly number[] {
    return this.#list(this.store.module.excluded(this.#pool, this.store.plainGroup(relation), 0));
  }

  /** What satisfies a group, or what it excludes, of which only the text is known. */
  #read(group: RelationGroup, arch: string, excludes: boolean): readonly number[] | null {
    const relations = this.applicable(group, arch);
    if (excludes) return [...new Set(relations?.flatMap((relation) => this.#excluding(relation)))];
    if (relations === undefined) return null;
    return this.favouredFirst([...new Set(relations.flatMap((relation) => this.satisfying(relation, arch)))]);
  }

  /**
   * What a solvable needs and excludes, in apt's order: Pre-Depends, Depends, Conflicts, Breaks, then Recommends, where these count. Packages of its own name are told
   * first that cannot be installed beside it. A package whose needs cannot be read is never taken; of Recommends that cannot be read nothing is followed.
   *
   * @returns of each clause its kind, the number of its targets, and these, as `@ict/solver` takes them: a view, until the pool is asked for anything else.
   */
  clauseNumbers(solvable: number, recommends: boolean): Int32Array {
    const { module } = this.store;
    const length = module.clausesOf(this.#pool, solvable, recommends);
    return new Int32Array(module.memory.buffer, module.clauseWords() >>> 0, length);
  }

  /**
   * Of each of so many clauses that {@link clauseNumbers} told last: the field that says so, by its place among the fields that are kept, or `RIVALS` or `BROKEN` of the module;
   * and the group. A view, too.
   */
  clauseOrigins(count: number): Uint32Array {
    return this.store.numbersAt(this.store.module.clauseReasons(), 2 * count);
  }

  /**
   * How the members of an answer need each other, and recommend, when Recommends count; none itself. Members go by their places among those that are given.
   *
   * @returns views, until the pool is asked for anything else, and texts.
   */
  relate(members: readonly number[], recommends: boolean): MemberRelations {
    const { store, architectures } = this;
    const place = store.module.relate(this.#pool, store.put(Uint32Array.from(members)), members.length, recommends);
    const { groups, places, ...columns } = store.columnsAt(place, MEMBER_COLUMNS);
    return {
      ...columns,
      texts: Array.from({ length: groups.length }, (_, at) => this.tellGroup(groups[at]!, architectures[places[at]!]!)),
    };
  }

  /** Offered packages that provide a name, in order of preference, and what they provide under it. */
  providers(name: string): readonly Provider[] {
    const providers = this.#list(this.store.module.providers(this.#pool, this.store.nameNumber(name)));
    return providers.map((solvable) => ({ solvable, provisions: this.provisions(solvable, name) }));
  }

  #ranked(providers: readonly number[]): readonly number[] {
    const ranked = providers.map((solvable) => ({ solvable, rank: this.#rank(solvable), first: this.#firstOf(solvable) }));
    ranked.sort((a, b) => a.rank - b.rank || b.first - a.first || this.#offeredPlace(a.solvable) - this.#offeredPlace(b.solvable));
    return ranked.map(({ solvable }) => solvable);
  }

  /** The first package of a solvable's name: as with apt, an update in a later repository does not move the name. */
  #firstOf(solvable: number): number {
    return this.all(this.name(solvable), this.archOf(solvable)).reduce((first, other) => Math.min(first, other), solvable);
  }

  #offeredPlace(solvable: number): number {
    return this.offered(this.name(solvable), this.archOf(solvable)).indexOf(solvable);
  }

  #rank(solvable: number): number {
    const { index, at } = this.locate(solvable);
    if (index.essential(at)) return 0;
    if (index.protected(at)) return 1;
    return 2 + 8 * this.architectures.indexOf(this.archOf(solvable)) + index.priorityRank(at);
  }

  /** True when the package itself, offered or not, satisfies an alternative of its own name. */
  fits({ qualifier, operator, version }: Relation, solvable: number, arch = this.arch): boolean {
    const place = this.architectures.indexOf(arch);
    if (!this.store.module.reaches(this.#pool, this.#qualifier(qualifier), solvable, 0, place)) return false;
    return operator === undefined || version === undefined || satisfiesVersion(this.version(solvable), operator, version);
  }

  /** Whether a package may be installed for several architectures, in one version (`Multi-Arch: same`). */
  isSame(solvable: number): boolean {
    return this.indexOf(solvable).multiArch(this.rowOf(solvable)) === 'same';
  }

  /** A group of `groups` as deb-control(5) writes it, as far as it concerns an architecture. */
  tellGroup(group: number, arch: string): string {
    return this.store.isPlain(group) ? this.store.groupText(group) : formatGroup(this.applicable(this.relationGroup(group), arch) ?? []);
  }

  /** The part of a group that concerns an architecture; undefined when the whole group concerns others only. */
  applicable(group: RelationGroup, arch = this.arch): RelationGroup | undefined {
    if (!isRestricted(group)) return group;
    const rest = group.filter(({ architectures }) => concerns(architectures, arch));
    return rest.length === 0 ? undefined : rest;
  }

  #list(place: number): readonly number[] {
    return this.store.list(place >>> 0);
  }

  /** A qualifier as the store's module notes it. */
  #qualifier(qualifier: string | undefined): number {
    return qualifier === undefined ? 0 : this.store.nameNumber(qualifier) + 1;
  }
}

function isRestricted(group: RelationGroup): boolean {
  for (const { architectures } of group) if (architectures.length > 0) return true;
  return false;
}

/** `[amd64 arm64]` or `[!i386]`. */
function concerns(architectures: readonly string[], arch: string): boolean {
  if (architectures.length === 0) return true;
  const matches = (pattern: string): boolean =>
    pattern === arch || pattern === 'any' || pattern === 'linux-any' || pattern === `any-${arch}`;
  const negated = architectures.filter((each) => each.startsWith('!'));
  return negated.length > 0 ? !negated.some((each) => matches(each.slice(1))) : architectures.some(matches);
}
