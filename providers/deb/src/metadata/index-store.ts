import { hasCode } from '@ict/plugin-api';
import { debError } from '../errors.js';
import { formatRelation, RelationTable } from '../relations/relation.js';
import type { Relation } from '../relations/relation.js';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import type { KeptRelationField } from '../relations/relation-numbers.js';
import type { IndexDirectory } from './index-directory.js';
import type { IndexText } from './index-text.js';
import { NAME_BYTES } from './name-bytes.js';
import { loadResolvingModule } from './resolving-module.js';
import type { ResolvingCaller, ResolvingModule } from './resolving-module.js';
import { columnOf, INDEXED_FIELDS, REQUIRED_FIELDS } from './stanza-scan.js';

/** By byte: 1 when a version of a relation may have it. */
const VERSION_BYTES = Uint8Array.from({ length: 256 }, (_, code) => (/[A-Za-z0-9.+~:-]/.test(String.fromCharCode(code)) ? 1 : 0));
const FIELD_NAMES = Buffer.from(INDEXED_FIELDS.map((name) => `${name}\n`).join(''), 'latin1');
const RELATION_COLUMNS = Uint32Array.from(RELATION_FIELDS, (field) => columnOf(field.toLowerCase() as Lowercase<KeptRelationField>));

/** Places of what assembly/relations.ts keeps of a group. */
const GROUP_TEXT = 1;
const GROUP_LENGTH = 2;
const GROUP_NUMBERS = 4;

/** Answers what a walk through a pool asks. */
export interface PoolDecisions {
  /** The packages of a name and an architecture that may be chosen, the preferred one first. */
  offer(name: number, place: number): readonly number[];
  /** Packages that provide a name, the preferred one first. */
  rank(providers: readonly number[]): readonly number[];
  /** Packages, those of an earlier answer first. */
  favour(solvables: readonly number[]): readonly number[];
  /** What satisfies a group that is not written plainly, or what it excludes; null when it does not concern the architecture. */
  read(group: number, place: number, excludes: boolean): readonly number[] | null;
  /** Takes notice that a relation field, by its place among {@link RELATION_FIELDS}, cannot be read. */
  unreadable(solvable: number, field: number): void;
}

interface Enlisted {
  readonly directory: IndexDirectory;
  readonly text: IndexText;
}

/**
 * The memory that packages of one or more indexes are read into, with their names and relations. Indexes that are resolved together share one, because what is found
 * of one leads to the others. All in it is done by the module of assembly/resolving.ts.
 */
export class IndexStore {
  /** Parsed relations: equal text gives the same array. */
  readonly table = new RelationTable();
  readonly #indexes: Enlisted[] = [];
  readonly #pools: PoolDecisions[] = [];
  #opened: ResolvingModule | undefined = undefined;
  /** Where texts are told to the module, and how long they may be. */
  #said = 0;
  #roomToSay = 0;
  #bytes = Buffer.alloc(0);
  #numbers = new Uint32Array(0);

  get module(): ResolvingModule {
    return (this.#opened ??= this.#open());
  }

  /** Takes an index. @returns how the module calls it. */
  enlist(directory: IndexDirectory, text: IndexText): number {
    const { module } = this;
    const { words, names, provides, starts, stops, keys, versions, archs, flags, versionTexts } = directory;
    const columns = [
      ...[words, names.starts, names.lengths, names.slots, names.ends, names.rows, provides.ends, provides.rows],
      ...[starts, stops, keys, versions, archs, flags, versionTexts],
    ];
    const told = Uint32Array.from(columns.flatMap((column) => [this.put(column), column.length]));
    this.#indexes.push({ directory, text });
    return module.enlist(this.#indexes.length - 1, this.put(told)) >>> 0;
  }

  /** Takes who answers what a pool asks. @returns the number of the pool. */
  addPool(decisions: PoolDecisions): number {
    return this.#pools.push(decisions) - 1;
  }

  /** Writes numbers or bytes into the memory, for good. @returns where. */
  put(values: Uint8Array | Uint32Array): number {
    const place = this.module.room(values.byteLength) >>> 0;
    this.#look();
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
    return place;
  }

  /** The number that lies at a place of the memory, counted in numbers. */
  number(place: number): number {
    this.#look();
    return this.#numbers[place];
  }

  /** So many numbers that lie at a byte of the memory: a view, until the module is called again. */
  numbersAt(start: number, count: number): Uint32Array {
    return new Uint32Array(this.module.memory.buffer, start >>> 0, count);
  }

  /** Columns of numbers, of each of which there is told at a place where it lies and how many it has: views, as of {@link numbersAt}. */
  columnsAt<T extends string>(place: number, names: readonly T[]): Readonly<Record<T, Uint32Array>> {
    const told = this.numbersAt(place, 2 * names.length);
    return Object.fromEntries(names.map((name, at) => [name, this.numbersAt(told[2 * at], told[2 * at + 1])])) as Record<T, Uint32Array>;
  }

  /** The text that lies somewhere in the memory. */
  text(start: number, length: number): string {
    this.#look();
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** The numbers of a list, which lies at a place. */
  list(place: number): number[] {
    const size = this.number(place);
    const found: number[] = [];
    for (let at = 1; at <= size; at++) found.push(this.#numbers[place + at]);
    return found;
  }

  /** A group of a relation field as it is written. */
  groupText(group: number): string {
    const start = this.number(group + GROUP_TEXT);
    return this.text((this.module.groupTexts() >>> 0) + start, this.number(group + GROUP_LENGTH));
  }

  /** Whether the module knows what a group says: nothing but names, qualifiers and versions. Of others the text must be read. */
  isPlain(group: number): boolean {
    return this.number(group + GROUP_NUMBERS) > 0;
  }

  /** The number of the group that has nothing but a relation, whatever architectures and profiles that is for: one that is written plainly. */
  plainGroup(relation: Relation): number {
    const [from, to] = this.#say(formatRelation({ ...relation, architectures: [], profiles: [] }));
    return this.module.groupOf(from, to) >>> 0;
  }

  /** The number of a name. */
  nameNumber(text: string): number {
    const [from, to] = this.#say(text);
    return this.module.nameOf(from, to);
  }

  nameText(name: number): string {
    const start = this.module.nameText(name) >>> 0;
    return this.text(start, this.module.nameLength(name));
  }

  /** Looks at the memory anew when it has grown: views of the former have no length then. Their length takes less to see than whose they are. */
  #look(): void {
    if (this.#numbers.length > 0) return;
    const { buffer } = this.module.memory;
    this.#bytes = Buffer.from(buffer);
    this.#numbers = new Uint32Array(buffer);
  }

  /** Writes a text where the module reads it at once; it keeps what it needs of it. @returns where it begins and ends. */
  #say(text: string): readonly [from: number, to: number] {
    const length = Buffer.byteLength(text, 'utf8');
    if (length > this.#roomToSay) {
      this.#roomToSay = 2 * length;
      this.#said = this.module.room(this.#roomToSay) >>> 0;
    }
    this.#look();
    this.#bytes.write(text, this.#said, 'utf8');
    return [this.#said, this.#said + length];
  }

  #keep(solvables: readonly number[]): number {
    if (solvables.length === 0) return this.module.empty.value;
    const place = this.module.listFor(solvables.length) >>> 0;
    this.#look();
    this.#numbers.set(solvables, place + 1);
    return place;
  }

  #open(): ResolvingModule {
    const module = loadResolvingModule(this.#caller());
    this.#opened = module;
    module.begin(this.put(FIELD_NAMES), FIELD_NAMES.length, REQUIRED_FIELDS, this.put(RELATION_COLUMNS));
    this.#bytes.set(NAME_BYTES, module.nameBytes.value);
    this.#bytes.set(VERSION_BYTES, module.versionBytes.value);
    module.beginQualifiers(this.nameNumber('any'), this.nameNumber('native'));
    return module;
  }

  #caller(): ResolvingCaller {
    return {
      stanzas: {
        readText: (index, row, place) => {
          const { directory, text } = this.#indexes[index]!;
          this.#look();
          text.copy(directory.starts[row], directory.stops[row], this.#bytes, place >>> 0);
        },
        changed: (index, row) => {
          throw changed(this.#indexes[index]!.directory, row);
        },
      },
      relations: {
        isRelation: (start, length) => this.#isRelation(this.text(start >>> 0, length)),
        plainProvision: (group) => this.plainGroup(this.table.group(this.groupText(group))[0]!),
      },
      pool: {
        unreadable: (pool, solvable, field) => {
          this.#pools[pool]!.unreadable(solvable, field);
        },
      },
      offers: {
        offer: (pool, name, place) => this.#keep(this.#pools[pool]!.offer(name, place)),
        rank: (pool, list) => this.#keep(this.#pools[pool]!.rank(this.list(list))),
      },
      satisfaction: {
        favour: (pool, list) => this.#keep(this.#pools[pool]!.favour(this.list(list))),
        read: (pool, group, place, excludes) => {
          const found = this.#pools[pool]!.read(group, place, excludes !== 0);
          return found === null ? this.module.ELSEWHERE.value : this.#keep(found);
        },
      },
    };
  }

  #isRelation(group: string): boolean {
    try {
      this.table.group(group);
      return true;
    } catch (error) {
      if (hasCode(error, 'ICT_DEB_RELATION_INVALID')) return false;
      throw error;
    }
  }
}

function changed({ keys, names, starts, words }: IndexDirectory, row: number): Error {
  const start = names.starts[keys[row]];
  const name = Buffer.from(words.subarray(start, start + names.lengths[keys[row]])).toString('utf8');
  return debError('ICT_DEB_INDEX_MISMATCH', {
    message: `the text of an index no longer has "${name}" where it was found`,
    hint: 'Another program changed a file of the cache while it was read: run `ict cache verify --repair`, then the command again.',
    facts: { package: name, offset: starts[row] },
  });
}
