import type { RelationGroup, RelationTable } from './relation.js';
import { RELATION_FIELDS, UNREADABLE } from './relation-columns.js';
import type { RelationColumns } from './relation-columns.js';

const PLACES: ReadonlyMap<string, number> = new Map(RELATION_FIELDS.map((field, place) => [field, place]));
const WIDTH = RELATION_FIELDS.length;

/** Relations of packages from columns: a group becomes an object when it is first asked for, a list of them likewise. */
export class KeptRelations {
  readonly #bytes: Buffer;
  readonly #columns: RelationColumns;
  readonly #table: RelationTable;
  readonly #groups: (RelationGroup | undefined)[];
  readonly #lists: (readonly RelationGroup[] | undefined)[];

  /** @param bytes where the texts of the groups lie. */
  constructor(bytes: Buffer, columns: RelationColumns, table: RelationTable) {
    this.#bytes = bytes;
    this.#columns = columns;
    this.#table = table;
    this.#groups = new Array<RelationGroup | undefined>(columns.starts.length);
    this.#lists = new Array<readonly RelationGroup[] | undefined>(columns.ends.length);
  }

  /** False when the field of a package cannot be read, or its relations are not kept. */
  isReadable(i: number, field: string): boolean {
    const place = PLACES.get(field);
    return place !== undefined && this.#columns.lists[i * WIDTH + place] !== UNREADABLE;
  }

  /** The groups of a field; undefined when {@link isReadable} is false. */
  groups(i: number, field: string): readonly RelationGroup[] | undefined {
    const place = PLACES.get(field);
    if (place === undefined) return undefined;
    const list = this.#columns.lists[i * WIDTH + place];
    return list === UNREADABLE ? undefined : (this.#lists[list] ??= this.#readList(list));
  }

  #readList(list: number): readonly RelationGroup[] {
    const { ends, members } = this.#columns;
    const groups: RelationGroup[] = [];
    for (let at = list === 0 ? 0 : ends[list - 1]; at < ends[list]; at++) {
      const group = members[at];
      groups.push((this.#groups[group] ??= this.#readGroup(group)));
    }
    return groups;
  }

  #readGroup(group: number): RelationGroup {
    const { starts, lengths } = this.#columns;
    return this.#table.group(this.#bytes.toString('utf8', starts[group], starts[group] + lengths[group]));
  }
}
