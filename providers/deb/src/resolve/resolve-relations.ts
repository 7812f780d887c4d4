import { hasCode } from '@ict/plugin-api';
import { IndexStore } from '../metadata/index-store.js';
import type { RelationField } from '../metadata/packages-index.js';
import type { KeptRelationField } from '../relations/relation-numbers.js';
import type { Provided, RelationGroup } from '../relations/relation.js';
import { Solvables } from './resolve-solvables.js';
import type { PoolRepository } from './resolve-solvables.js';

/** A relation field that cannot be read. */
export interface UnreadableField {
  readonly field: RelationField | 'Provides';
  readonly message: string;
}

/** Fields without which a package can be taken all the same. */
const SPARED: readonly UnreadableField['field'][] = ['Recommends', 'Replaces', 'Suggests', 'Enhances'];

/** Solvables and what they say of others. Their indexes share one store, so that a group that is written alike has one number in all of them. */
export class RelatedSolvables extends Solvables {
  readonly store: IndexStore;
  readonly #unreadable = new Map<number, UnreadableField>();

  /** See {@link Solvables}. Indexes that have stores of their own move to one. */
  constructor(repositories: readonly PoolRepository[], arch: string, foreign: readonly string[]) {
    super(repositories, arch, foreign);
    this.store = repositories[0]?.index.store ?? new IndexStore();
    for (const { index } of repositories) if (index.store !== this.store) index.moveTo(this.store);
  }

  /** Relations of one field; undefined when they cannot be read, which {@link unreadable} tells. */
  relations(solvable: number, field: RelationField): readonly RelationGroup[] | undefined {
    return this.#readable(solvable, field, () => this.indexOf(solvable).relations(this.rowOf(solvable), field));
  }

  /** The groups of a field by their numbers in the store; undefined when they cannot be read, which {@link unreadable} tells. */
  groups(solvable: number, field: KeptRelationField): readonly number[] | undefined {
    const groups = this.indexOf(solvable).groups(this.rowOf(solvable), field);
    if (groups === undefined) this.noteUnreadable(solvable, field);
    return groups;
  }

  /** A group of {@link groups}, read. */
  relationGroup(group: number): RelationGroup {
    return this.store.table.group(this.store.groupText(group));
  }

  /** What a package provides under a name; nothing when that cannot be read, which {@link unreadable} tells. */
  provisions(solvable: number, name: string): readonly Provided[] {
    const provided = this.#readable(solvable, 'Provides', () => this.indexOf(solvable).provides(this.rowOf(solvable)));
    return provided?.filter((each) => each.name === name) ?? [];
  }

  /** Packages of which a field was asked for and could not be read: the first one that they cannot be taken without, else the last one. */
  get unreadable(): ReadonlyMap<number, UnreadableField> {
    return this.#unreadable;
  }

  /** Notices that a field cannot be read. */
  protected noteUnreadable(solvable: number, field: KeptRelationField): void {
    if (field === 'Provides') this.provisions(solvable, '');
    else this.relations(solvable, field);
  }

  #readable<T>(solvable: number, field: UnreadableField['field'], read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!hasCode(error, 'ICT_DEB_RELATION_INVALID')) throw error;
      const known = this.#unreadable.get(solvable);
      if (known === undefined || isSpared(known)) this.#unreadable.set(solvable, { field, message: (error as Error).message });
      return undefined;
    }
  }
}

/** Whether a package can be taken although a field of it cannot be read. */
function isSpared({ field }: UnreadableField): boolean {
  return SPARED.includes(field);
}
