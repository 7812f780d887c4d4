import { debError } from '../errors.js';
import { RELATION_FIELDS } from '../relations/relation-numbers.js';
import type { IndexDirectory } from './index-directory.js';
import type { IndexText } from './index-text.js';
import { NAME_BYTES } from './name-bytes.js';
import { INDEXED_FIELDS, REQUIRED_FIELDS } from './stanza-scan.js';
import { loadStanzasModule } from './stanzas-module.js';
import type { StanzasModule } from './stanzas-module.js';

/** By byte: 1 when a version of a relation may have it. */
const VERSION_BYTES = Uint8Array.from({ length: 256 }, (_, code) => (/[A-Za-z0-9.+~:-]/.test(String.fromCharCode(code)) ? 1 : 0));
const FIELD_NAMES = Buffer.from(INDEXED_FIELDS.map((name) => `${name}\n`).join(''), 'latin1');

/**
 * The stanzas of packages, each loaded and scanned when something of it is first asked for. What is done for each is done by assembly/stanzas.ts, in memory of its
 * own, which this has the text read into.
 */
export class StanzaValues {
  readonly #text: IndexText;
  readonly #directory: IndexDirectory;
  readonly #isRelation: (text: string) => boolean;
  /** By package: number of its stanza among those that were loaded + 1; 0 for the others. */
  readonly #loaded: Uint32Array;
  #opened: StanzasModule | undefined = undefined;
  #bytes = Buffer.alloc(0);
  #numbers = new Uint32Array(0);

  /** @param isRelation whether a text can be read as a group of relations; asked for what is not written plainly. */
  constructor(directory: IndexDirectory, text: IndexText, isRelation: (text: string) => boolean) {
    this.#text = text;
    this.#directory = directory;
    this.#isRelation = isRelation;
    this.#loaded = new Uint32Array(directory.starts.length);
  }

  /** The value of a field, without surrounding white space; undefined when the package has no such field. */
  value(row: number, column: number): string | undefined {
    const stanza = this.#stanza(row);
    const start = this.module.valueOf(stanza, column);
    return start === 0 ? undefined : this.#bytes.toString('utf8', start, this.module.valueEnd(start));
  }

  has(row: number, column: number): boolean {
    const stanza = this.#stanza(row);
    return this.module.valueOf(stanza, column) !== 0;
  }

  /** The list of groups of a field: see {@link StanzasModule.listOf}. */
  list(row: number, field: number, column: number, isProvides: boolean): number {
    const stanza = this.#stanza(row);
    const list = this.module.listOf(stanza, field, column, isProvides) >>> 0;
    this.#look();
    return list;
  }

  /** The number that lies at a place of the memory, counted in numbers. */
  number(place: number): number {
    return this.#numbers[place];
  }

  /** The text that lies somewhere in the memory. */
  text(start: number, length: number): string {
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** Forgets all stanzas: their room is used again, and their numbers are given to others. */
  release(): void {
    this.#opened?.release();
    this.#loaded.fill(0);
  }

  get module(): StanzasModule {
    return (this.#opened ??= this.#open());
  }

  /** Number of a package's stanza among those that were loaded, which it is from now on. @throws `ICT_DEB_INDEX_MISMATCH` when it lies there no more. */
  #stanza(row: number): number {
    return (this.#loaded[row] === 0 ? this.#load(row) : this.#loaded[row]) - 1;
  }

  #load(row: number): number {
    const { starts, stops, keys } = this.#directory;
    const { module } = this;
    const length = stops[row] - starts[row];
    const place = module.nextStanza(length);
    this.#look();
    this.#text.copy(starts[row], stops[row], this.#bytes, place);
    const stanza = module.addStanza(length, keys[row]);
    this.#look();
    if (stanza < 0) throw this.#changed(row);
    return (this.#loaded[row] = stanza + 1);
  }

  /** Looks at the memory anew when it has grown. */
  #look(): void {
    const { buffer } = this.module.memory;
    if (buffer === this.#numbers.buffer) return;
    this.#bytes = Buffer.from(buffer);
    this.#numbers = new Uint32Array(buffer);
  }

  #open(): StanzasModule {
    const module = loadStanzasModule((start, length) => {
      this.#look();
      return this.#isRelation(this.text(start >>> 0, length));
    });
    this.#opened = module;
    const put = (values: Uint8Array | Uint32Array): number => {
      const place = module.room(values.byteLength) >>> 0;
      Buffer.from(module.memory.buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
      return place;
    };
    module.begin(put(FIELD_NAMES), FIELD_NAMES.length, REQUIRED_FIELDS, RELATION_FIELDS.length);
    const { words, names } = this.#directory;
    const { starts, lengths, slots } = names;
    module.adopt(put(words), words.length, put(starts), put(lengths), starts.length, put(slots), slots.length);
    this.#look();
    this.#bytes.set(NAME_BYTES, module.nameBytes.value);
    this.#bytes.set(VERSION_BYTES, module.versionBytes.value);
    return module;
  }

  #changed(row: number): Error {
    const { keys, names, starts, words } = this.#directory;
    const start = names.starts[keys[row]];
    const name = Buffer.from(words.subarray(start, start + names.lengths[keys[row]])).toString('utf8');
    return debError('ICT_DEB_INDEX_MISMATCH', {
      message: `the text of an index no longer has "${name}" where it was found`,
      hint: 'Another program changed a file of the cache while it was read: run `ict cache verify --repair`, then the command again.',
      facts: { package: name, offset: starts[row] },
    });
  }
}
