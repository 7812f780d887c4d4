import { AssemblyModule, type AssemblyExports } from '@ict/assembly';
import { SEARCHING_MODULE } from './compiled/searching-module.js';

/** What assembly/searching.ts exports, where each is described. Places are those of its memory; numbers have 32 bits. */
export interface SearchModule extends AssemblyExports {
  begin(count: number, last: boolean, maxConflicts: number, preferences: number, restart: number, lessons: number): void;
  room(words: number): number;
  first(owner: number): number;
  run(): number;
  finish(): number;
}

/** What the module asks for. */
export interface SearchCaller {
  /** Writes the clauses of a solvable, or of the request (0). @returns how many numbers are written in all. */
  clausesOf(owner: number): number;
  /** A clause of a solvable, or of the request (0), names what is no solvable. */
  wrong(owner: number, target: number): never;
  /** There is no memory any more. */
  full(): never;
}

const MODULE = new AssemblyModule<SearchModule>(SEARCHING_MODULE);

/** The module, with memory of its own. */
export function loadSearchModule({ clausesOf, wrong, full }: SearchCaller): SearchModule {
  return MODULE.instance({ search: { clausesOf }, 'relation-table': { wrong } }, full);
}
