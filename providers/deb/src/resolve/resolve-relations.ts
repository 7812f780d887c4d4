import { hasCode } from '@ict/plugin-api';
import type { RelationField } from '../metadata/packages-index.js';
import { RELATION_PLACES, UNREADABLE } from '../relations/relation-numbers.js';
import type { KeptRelationField, RelationNumbers } from '../relations/relation-numbers.js';
import { toProvided } from '../relations/relation.js';
import type { Provided, RelationGroup } from '../relations/relation.js';
import { PackageName } from './resolve-names.js';
import { Solvables } from './resolve-solvables.js';
import type { PoolRepository } from './resolve-solvables.js';

const NO_NUMBERS: readonly number[] = Object.freeze([]);
const NOTHING: readonly Provided[] = Object.freeze([]);
const PROVIDES = RELATION_PLACES.get('Provides')!;

interface GroupPlace {
  readonly repository: number;
  /** Number of the group in its index. */
  readonly number: number;
  readonly numbers: RelationNumbers;
  readonly alternatives: number;
}

/** A relation field that cannot be read. */
export interface UnreadableField {
  readonly field: RelationField | 'Provides';
  readonly message: string;
}

/** Solvables, their names, and what they say of others: groups by numbers, which are read where somebody asks what they say. */
export class RelatedSolvables extends Solvables {
  readonly #unreadable = new Map<number, UnreadableField>();
  /** By field: relations of the solvables that were asked for, because the search and what tells of its answer ask for the same. */
  readonly #relations = new Map<RelationField, Map<number, readonly RelationGroup[] | undefined>>();
  /** Packages of which it is told that what they provide cannot be read. */
  readonly #unreadableProvides = new Set<number>();
  readonly #names = new Map<string, PackageName>();
  /** By repository and number of a name in its index. */
  readonly #namesAt: readonly Map<number, PackageName>[];

  /** See {@link Solvables}. */
  constructor(repositories: readonly PoolRepository[], arch: string, foreign: readonly string[]) {
    super(repositories, arch, foreign);
    this.#namesAt = repositories.map(() => new Map());
  }

  /** Relations of one field; undefined when they cannot be read, which {@link unreadable} tells. */
  relations(solvable: number, field: RelationField): readonly RelationGroup[] | undefined {
    const index = this.indexOf(solvable);
    const at = this.rowOf(solvable);
    if (index.hasReadable(at, field)) return index.relations(at, field);
    let known = this.#relations.get(field);
    if (known === undefined) this.#relations.set(field, (known = new Map()));
    return recalled(known, solvable, () => this.#readable(solvable, field, () => index.relations(at, field)));
  }

  /**
   * The groups of a field by their numbers in this pool; undefined when they cannot be read, which {@link unreadable} tells. Groups of a repository that are
   * written alike have one number.
   */
  groups(solvable: number, field: KeptRelationField & RelationField): readonly number[] | undefined {
    const repository = this.repositoryNumber(solvable);
    const { numbers } = this.repositories[repository]!.index;
    const list = numbers.list(this.rowOf(solvable), RELATION_PLACES.get(field)!);
    if (list === 0) return NO_NUMBERS;
    if (list === UNREADABLE) {
      this.relations(solvable, field);
      return undefined;
    }
    const groups: number[] = [];
    const size = numbers.size(list);
    for (let at = 0; at < size; at++) groups.push(numbers.group(list, at) * this.repositories.length + repository);
    return groups;
  }

  /** Where a group of {@link groups} lies: its repository, and how many alternatives it has; none when its text must be read. */
  protected locateGroup(group: number): GroupPlace {
    const repository = group % this.repositories.length;
    const number = (group - repository) / this.repositories.length;
    const { numbers } = this.repositories[repository]!.index;
    return { repository, number, numbers, alternatives: numbers.alternatives(number) };
  }

  /** A group of {@link groups}, read. */
  relationGroup(group: number): RelationGroup {
    const { repository, number, numbers } = this.locateGroup(group);
    return this.repositories[repository]!.index.table.group(numbers.groupText(number));
  }

  /** What is known of a name. */
  nameOf(text: string): PackageName {
    let name = this.#names.get(text);
    if (name === undefined) this.#names.set(text, (name = new PackageName(text)));
    return name;
  }

  /** What is known of a name by its number in an index. */
  protected nameAt(repository: number, number: number): PackageName {
    const names = this.#namesAt[repository]!;
    let name = names.get(number);
    if (name === undefined) {
      names.set(number, (name = this.nameOf(this.repositories[repository]!.index.numbers.nameText(number))));
      name.numbers[repository] = number;
    }
    return name;
  }

  /** The number of a name in the index of a repository. */
  protected numberOf(name: PackageName, repository: number): number {
    return (name.numbers[repository] ??= this.repositories[repository]!.index.nameNumber(name.text));
  }

  /** What is known of a package's own name. */
  packageName(solvable: number): PackageName {
    const repository = this.repositoryNumber(solvable);
    return this.nameAt(repository, this.repositories[repository]!.index.numbers.packageName(this.rowOf(solvable)));
  }

  /** What a package provides under a name; nothing when that cannot be read, which {@link unreadable} tells. */
  provisions(solvable: number, name: PackageName): readonly Provided[] {
    const repository = this.repositoryNumber(solvable);
    const { numbers, table } = this.repositories[repository]!.index;
    const list = numbers.list(this.rowOf(solvable), PROVIDES);
    if (list === 0) return NOTHING;
    if (list === UNREADABLE) {
      this.checkProvides(solvable);
      return NOTHING;
    }
    const found: Provided[] = [];
    const size = numbers.size(list);
    for (let at = 0; at < size; at++) {
      const group = numbers.group(list, at);
      if (numbers.alternatives(group) === 0) {
        const [provided] = toProvided([table.group(numbers.groupText(group))]);
        if (provided?.name === name.text) found.push(provided);
      } else if (this.nameAt(repository, numbers.alternativeName(group, 0)) === name) {
        const operator = numbers.operator(group, 0);
        if (operator !== undefined && operator !== '=') continue;
        found.push({ name: name.text, qualifier: undefined, version: numbers.version(group, 0) });
      }
    }
    return found;
  }

  /** Notices when what a package provides cannot be read. */
  checkProvides(solvable: number): void {
    const index = this.indexOf(solvable);
    const at = this.rowOf(solvable);
    if (index.numbers.list(at, PROVIDES) === UNREADABLE && !this.#unreadableProvides.has(solvable)) {
      this.#unreadableProvides.add(solvable);
      this.#readable(solvable, 'Provides', () => index.provides(at));
    }
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
}

/** What `known` has for a key, else what `find` says, for the next time; `undefined` is an answer too. */
function recalled<K, V>(known: Map<K, V>, key: K, find: () => V): V {
  const found = known.get(key);
  if (found !== undefined || known.has(key)) return found as V;
  const value = find();
  known.set(key, value);
  return value;
}
