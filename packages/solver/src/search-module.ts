import { SEARCH_MODULE } from './compiled/search-module.js';

/** What the module of `assembly` exports, where each is described. Places are those of its memory; numbers have 32 bits. */
export interface SearchModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  begin(count: number, last: boolean, maxConflicts: number, preferences: number, restart: number, lessons: number): void;
  room(words: number): number;
  run(): number;
  finish(): number;
}

/** What the module asks for. An error that these throw ends the call that they came from. */
export interface SearchCaller {
  /** Writes the clauses of a solvable, or of the request (0). @returns how many numbers are written in all. */
  clausesOf(owner: number): number;
  /** There is no memory any more. */
  full(): never;
}

/** What is used of Node's `WebAssembly`, which has types only where there is a browser. */
interface WebAssemblyOfNode {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => {
    readonly exports: unknown;
  };
}

/** Memory that the module has at first, for its constants. */
const FIRST_PAGES = 1;

/** All that a memory of 32 bits may have, in pages of 64 KiB. */
const MAX_PAGES = 65_536;

/** The module as it was compiled when it was first needed: explanations search many times. */
let compiled: object | undefined;

/** The module, with memory of its own. */
export function loadSearchModule({ clausesOf, full }: SearchCaller): SearchModule {
  const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyOfNode }).WebAssembly;
  const memory = new Memory({ initial: FIRST_PAGES, maximum: MAX_PAGES });
  compiled ??= new Module(Buffer.from(SEARCH_MODULE, 'base64'));
  const { exports } = new Instance(compiled, { env: { memory }, search: { clausesOf }, memory: { full } });
  return exports as SearchModule;
}
