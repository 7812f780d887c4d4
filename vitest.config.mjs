import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** What a file does that others in the same process would meet, or that asks the process about more than the file did itself. */
const OWN_PROCESS =
  /\bvi\.(?:mock|doMock|stubGlobal|stubEnv|useFakeTimers|setSystemTime)\(|\bprocess\.(?:env|umask|chdir|exitCode|on|once|set\w*id|memoryUsage|listenerCount)\b|\/proc\/self\/fd/;

/** Test files of the package in whose directory vitest runs, by whether they have a process of their own. */
const files = Object.groupBy(globSync('test/**/*.test.ts'), (file) =>
  OWN_PROCESS.test(readFileSync(file, 'utf8')) ? 'apart' : 'together',
);

/**
 * Unit tests of every package; `nx.json` passes it with `--root .`. To start a process and load the package in it anew takes longer than most
 * files do, so they share one where they can (docs/decisions/0200).
 */
export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [project('together', false), project('apart', true)].filter(({ test }) => test.include.length > 0),
  },
});

function project(name, isolate) {
  return {
    test: {
      name,
      isolate,
      include: files[name] ?? [],
      // For a test that hangs: how long one takes is never what fails it.
      testTimeout: 600_000,
      hookTimeout: 600_000,
      pool: 'forks',
    },
  };
}
