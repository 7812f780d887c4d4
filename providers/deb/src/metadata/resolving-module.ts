import { AssemblyModule, type AssemblyExports } from '@ict/assembly';
import { RESOLVING_MODULE } from '../compiled/resolving-module.js';

/** What assembly/resolving.ts exports, where each is described. Places are those of its memory; numbers have 32 bits, of which JavaScript sees the highest as a sign. */
export interface ResolvingModule extends AssemblyExports {
  readonly nameBytes: { readonly value: number };
  readonly versionBytes: { readonly value: number };
  readonly empty: { readonly value: number };
  readonly ELSEWHERE: { readonly value: number };
  readonly RIVALS: { readonly value: number };
  readonly BROKEN: { readonly value: number };
  begin(fieldNames: number, length: number, required: number, relationColumns: number): void;
  beginQualifiers(anyName: number, nativeName: number): void;
  room(sizeBytes: number): number;
  enlist(number: number, columns: number): number;
  forget(index: number): void;
  valueOf(index: number, row: number, column: number): number;
  valueEnd(start: number): number;
  listOf(index: number, row: number, field: number): number;
  groupOf(from: number, to: number): number;
  groupTexts(): number;
  nameOf(from: number, to: number): number;
  nameText(name: number): number;
  nameLength(name: number): number;
  listFor(count: number): number;
  gather(number: number, words: number, repositories: number, architectures: number, favours: boolean): number;
  offered(pool: number, name: number, place: number): number;
  anywhere(pool: number, name: number): number;
  providers(pool: number, name: number): number;
  targets(pool: number, group: number, place: number): number;
  excluded(pool: number, group: number, place: number): number;
  reaches(pool: number, qualifier: number, solvable: number, as: number, place: number): number;
  clausesOf(pool: number, solvable: number, recommends: boolean): number;
  clauseWords(): number;
  clauseReasons(): number;
  relate(pool: number, members: number, count: number, recommends: boolean): number;
}

/** What the module asks for, where each is declared in `assembly`. */
export interface ResolvingCaller {
  readonly stanzas: {
    readText(index: number, row: number, place: number): void;
    changed(index: number, row: number): never;
  };
  readonly relations: {
    isRelation(start: number, length: number): boolean;
    plainProvision(group: number): number;
  };
  readonly pool: { unreadable(pool: number, solvable: number, field: number): void };
  readonly offers: {
    offer(pool: number, name: number, place: number): number;
    rank(pool: number, list: number): number;
  };
  readonly satisfaction: {
    favour(pool: number, list: number): number;
    read(pool: number, group: number, place: number, excludes: number): number;
  };
}

/** Memory to begin with. V8 collects garbage by what instances have, used or not, and most resolutions are small. */
const FIRST_PAGES = 64;
const MODULE = new AssemblyModule<ResolvingModule>(RESOLVING_MODULE);

/** An instance, with memory of its own. */
export function loadResolvingModule(caller: ResolvingCaller): ResolvingModule {
  return MODULE.instance({ ...caller }, full, { first: FIRST_PAGES });
}

function full(): never {
  throw new RangeError('4 GiB of memory have no room for the packages that were asked for');
}
