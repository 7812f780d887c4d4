/** What is used of Node's `WebAssembly`, which has types only where there is a browser. */
interface WebAssemblyOfNode {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => object;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, object>>) => { readonly exports: unknown };
}

/** Functions that a module of AssemblyScript asks for, by the file that declares them, without `.ts`, and their name. */
export type Imports = Readonly<Record<string, Readonly<Record<string, (...args: number[]) => unknown>>>>;

/** What every module exports. */
export interface AssemblyExports {
  /** Its memory: another buffer, and views of the former without length, once it has grown. */
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** A page of WebAssembly's memory, in bytes; and all that a memory of 32 bits may have. */
export const PAGE_BYTES = 65_536;
export const MAX_PAGES = 65_536;

/** A module that assembly/*.ts of a package was compiled to. V8 compiles it when its first instance is made. */
export class AssemblyModule<E extends AssemblyExports> {
  readonly #base64: string;
  #compiled: object | undefined = undefined;

  /** @param base64 the module, as `scripts/compile.mjs` writes it. */
  constructor(base64: string) {
    this.#base64 = base64;
  }

  /**
   * An instance, with memory of its own.
   *
   * @param imports beside `full` of memory.ts, which is called when there is no memory any more. An error that one of them throws ends the call that it came from;
   * after one of `full` the instance is not to be used.
   * @param pages memory that it has at first, of which what nobody writes to costs nothing, and at most.
   */
  instance(
    imports: Imports,
    full: () => never,
    { first = 1, most = MAX_PAGES }: { readonly first?: number; readonly most?: number } = {},
  ): E {
    const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyOfNode }).WebAssembly;
    this.#compiled ??= new Module(Buffer.from(this.#base64, 'base64'));
    const memory = new Memory({ initial: first, maximum: most });
    return new Instance(this.#compiled, { env: { memory }, memory: { full }, ...imports }).exports as E;
  }
}
