import { defineConfig } from 'vitest/config';

/** Unit tests of every package; `nx.json` passes it with `--root .`. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    passWithNoTests: false,
    // For a test that hangs: how long one takes is never what fails it.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
  },
});
