/**
 * The part of a test runner that the suites use. The exports of vitest fit; so does any runner with the same three functions.
 * Suites compare with `toEqual` alone: deep equality of plain data.
 */
export interface TestApi {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  readonly expect: (actual: unknown) => { toEqual(expected: unknown): unknown };
}
