import { defineConfig } from 'vitest/config';

/** Unit tests of every package; `nx.json` passes it with `--root .`. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    passWithNoTests: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
