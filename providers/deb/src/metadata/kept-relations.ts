import type { RelationColumns } from './relation-columns.js';
import { operatorIn, RELATION_FIELDS, versionLengthIn } from '../relations/relation-numbers.js';
import type { RelationNumbers } from '../relations/relation-numbers.js';
import type { RelationOperator } from '../relations/version.js';

const WIDTH = RELATION_FIELDS.length;

/** Relations of packages from columns. */
export class KeptRelations implements RelationNumbers {
  readonly #bytes: Buffer;
  readonly #columns: RelationColumns;

  /** @param bytes where the texts lie. */
  constructor(bytes: Buffer, columns: RelationColumns) {
    this.#bytes = bytes;
    this.#columns = columns;
  }

  list(row: number, place: number): number {
    return this.#columns.lists[row * WIDTH + place];
  }

  listEnd(list: number): number {
    return this.#columns.ends[list];
  }

  member(at: number): number {
    return this.#columns.members[at];
  }

  groupEnd(group: number): number {
    return this.#columns.groupEnds[group];
  }

  groupText(group: number): string {
    const start = this.#columns.starts[group];
    return this.#bytes.toString('utf8', start, start + this.#columns.lengths[group]);
  }

  alternativeName(alternative: number): number {
    return this.#columns.alternatives[alternative];
  }

  operator(alternative: number): RelationOperator | undefined {
    return operatorIn(this.#columns.shapes[alternative]);
  }

  version(alternative: number): string | undefined {
    const shape = this.#columns.shapes[alternative];
    const start = this.#columns.versions[alternative];
    return shape === 0 ? undefined : this.#bytes.toString('latin1', start, start + versionLengthIn(shape));
  }

  packageName(row: number): number {
    return this.#columns.packageNames[row];
  }

  nameText(name: number): string {
    const start = this.#columns.nameStarts[name];
    return this.#bytes.toString('latin1', start, start + this.#columns.nameLengths[name]);
  }
}
