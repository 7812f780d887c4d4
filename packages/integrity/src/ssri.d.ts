/** The part of ssri 14 that `digest.ts` uses; ssri ships no types. */
declare module 'ssri' {
  interface Hash {
    readonly algorithm: string;
    readonly digest: string;
    readonly options: readonly string[];
  }
  /** Algorithm name to its hashes; tokens that ssri cannot read are left out without a word. */
  type Integrity = Readonly<Record<string, readonly Hash[]>>;
  export function parse(text: string, options?: { readonly strict?: boolean }): Integrity | null;
}
