import type { TextLookup } from '@ict/package-index';
import type { IndexDirectory } from '../metadata/index-directory.js';
import { columnOf } from '../metadata/stanza-scan.js';
import type { StanzaValues } from '../metadata/stanza-values.js';
import { operatorIn, RELATION_FIELDS, versionLengthIn } from './relation-numbers.js';
import type { KeptRelationField, RelationNumbers } from './relation-numbers.js';
import type { RelationOperator } from './version.js';

const COLUMNS = RELATION_FIELDS.map((field) => columnOf(field.toLowerCase() as Lowercase<KeptRelationField>));
const PROVIDES = RELATION_FIELDS.indexOf('Provides');

/** Places of what assembly/relations.ts keeps of a group, and of an alternative. */
const [TEXT, LENGTH, COUNT, FIRST] = [0, 1, 3, 4];
const [NAME, SHAPE, VERSION, NUMBERS] = [0, 1, 2, 3];

/** The relations of loaded stanzas, which assembly/relations.ts takes apart. */
export class RelationReader implements RelationNumbers {
  readonly #values: StanzaValues;
  /** The names of packages and of what they provide, whose keys are their numbers. */
  readonly #known: TextLookup;
  readonly #knownCount: number;
  readonly #keys: Uint32Array;

  /**
   * @param directory its keys number the names.
   * @param known finds them.
   */
  constructor(values: StanzaValues, { keys, names }: IndexDirectory, known: TextLookup) {
    this.#values = values;
    this.#known = known;
    this.#knownCount = names.starts.length;
    this.#keys = keys;
  }

  list(row: number, place: number): number {
    return this.#values.list(row, place, COLUMNS[place], place === PROVIDES);
  }

  size(list: number): number {
    return list === 0 ? 0 : this.#values.number(list);
  }

  group(list: number, at: number): number {
    return this.#values.number(list + 1 + at);
  }

  groupText(group: number): string {
    const start = this.#values.number(group + TEXT);
    return this.#textOfGroups(start, this.#values.number(group + LENGTH));
  }

  alternatives(group: number): number {
    return this.#values.number(group + COUNT) / NUMBERS;
  }

  alternativeName(group: number, at: number): number {
    return this.#values.number(group + FIRST + NUMBERS * at + NAME);
  }

  operator(group: number, at: number): RelationOperator | undefined {
    return operatorIn(this.#values.number(group + FIRST + NUMBERS * at + SHAPE));
  }

  version(group: number, at: number): string | undefined {
    const shape = this.#values.number(group + FIRST + NUMBERS * at + SHAPE);
    return shape === 0
      ? undefined
      : this.#textOfGroups(this.#values.number(group + FIRST + NUMBERS * at + VERSION), versionLengthIn(shape));
  }

  packageName(row: number): number {
    return this.#keys[row];
  }

  nameText(name: number): string {
    if (name < this.#knownCount) return this.#known.textOf(name);
    const { module } = this.#values;
    const other = name - this.#knownCount;
    return this.#values.text(module.unknownName(other) >>> 0, module.unknownLength(other));
  }

  #textOfGroups(offset: number, length: number): string {
    return this.#values.text((this.#values.module.groupTexts() >>> 0) + offset, length);
  }
}
