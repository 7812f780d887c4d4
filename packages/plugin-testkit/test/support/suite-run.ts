import { isDeepStrictEqual } from 'node:util';
import type { TestApi } from '../../src/index.js';

/** Runs a suite with a runner of its own. @returns the titles of the tests that failed, and how many ran. */
export async function runSuite(declare: (api: TestApi) => void): Promise<{ readonly ran: number; readonly failed: readonly string[] }> {
  const tests: { readonly title: string; readonly body: () => Promise<void> }[] = [];
  const path: string[] = [];
  declare({
    describe: (name, body) => {
      path.push(name);
      body();
      path.pop();
    },
    it: (name, body) => tests.push({ title: [...path.slice(1), name].join(' > '), body }),
    expect: (actual) => ({
      toEqual: (expected) => {
        if (!isDeepStrictEqual(actual, expected)) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
      },
    }),
  });
  const failed: string[] = [];
  for (const { title, body } of tests) {
    try {
      await body();
    } catch {
      // A test that throws has failed; which one is the answer.
      failed.push(title);
    }
  }
  return { ran: tests.length, failed };
}
