import { AssemblyModule, type AssemblyExports } from '@ict/assembly';
import { STANZAS_MODULE } from '../compiled/stanzas-module.js';

/** What assembly/stanzas.ts exports, where each is described. Places are those of its memory; numbers have 32 bits. */
export interface StanzasModule extends AssemblyExports {
  readonly nameBytes: { readonly value: number };
  readonly versionBytes: { readonly value: number };
  begin(fieldNames: number, length: number, required: number, relationFields: number): void;
  room(sizeBytes: number): number;
  adopt(texts: number, textBytes: number, starts: number, lengths: number, count: number, slots: number, slotCount: number): void;
  nextStanza(length: number): number;
  addStanza(length: number, name: number): number;
  valueOf(stanza: number, column: number): number;
  valueEnd(start: number): number;
  listOf(stanza: number, field: number, column: number, isProvides: boolean): number;
  groupTexts(): number;
  unknownName(name: number): number;
  unknownLength(name: number): number;
  release(): void;
}

/** Memory to begin with: as much as a large resolution takes. */
const FIRST_PAGES = 256;
const MODULE = new AssemblyModule<StanzasModule>(STANZAS_MODULE);

/** @param isRelation whether the text that lies somewhere can be read as a group of relations. */
export function loadStanzasModule(isRelation: (start: number, length: number) => boolean): StanzasModule {
  return MODULE.instance({ relations: { isRelation } }, full, { first: FIRST_PAGES });
}

function full(): never {
  throw new RangeError('4 GiB of memory have no room for the stanzas of an index that were asked for');
}
