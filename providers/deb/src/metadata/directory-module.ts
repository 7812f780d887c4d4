import { DIRECTORY_MODULE } from '../compiled/directory-module.js';

/** What the module of `assembly` exports, where each is described. Places are those of its memory; numbers have 32 bits. */
export interface DirectoryModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly nameBytes: { readonly value: number };
  begin(expected: number, windowBytes: number): void;
  windowStart(): number;
  widen(): void;
  read(length: number, offset: number, isLast: boolean): number;
  finish(): number;
}

/** What the module asks for. An error that these throw ends the call that they came from. */
export interface DirectoryCaller {
  /** A stanza is left out. Numbers come with a sign. */
  leftOut(start: number, stop: number, offset: number, firstStart: number, firstStop: number): void;
  /** There is no memory any more. */
  full(): never;
}

/** What is used of Node's `WebAssembly`, which has types only where there is a browser. */
interface WebAssemblyOfNode {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => object;
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

/**
 * The module, with memory of its own.
 *
 * @param maxPages pages of 64 KiB that the memory may have.
 */
export function loadDirectoryModule({ leftOut, full }: DirectoryCaller, maxPages: number): DirectoryModule {
  const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyOfNode }).WebAssembly;
  const memory = new Memory({ initial: FIRST_PAGES, maximum: maxPages });
  const module = new Module(Buffer.from(DIRECTORY_MODULE, 'base64'));
  return new Instance(module, { env: { memory }, index: { leftOut }, memory: { full } }).exports as DirectoryModule;
}
