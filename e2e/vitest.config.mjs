import { defineConfig } from 'vitest/config';

/** End-to-end tests: one file after the other, each with directories of its own. The first makes what the others build from. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./src/global-setup.ts'],
    fileParallelism: false,
    // Tests that allow it run side by side: builds of the miniature leave a processor idle half of their time.
    maxConcurrency: 3,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
  },
});
