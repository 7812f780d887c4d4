import { defineConfig } from 'vitest/config';

/** What compares the state of the host before and after, or damages what other files build from. */
const alone = ['test/interruption.test.ts', 'test/real-archive.test.ts'];

/**
 * End-to-end tests, each file with directories of its own. Some have the machine to themselves; then the others run two at a time, as one
 * build leaves a processor idle half of its time. Whoever comes first makes what the others build from.
 */
export default defineConfig({
  test: {
    globalSetup: ['./src/global-setup.ts'],
    projects: [
      project('alone', { include: alone, maxWorkers: 1, maxConcurrency: 3 }),
      project('beside others', { include: ['test/**/*.test.ts'], exclude: alone, maxWorkers: 2, maxConcurrency: 2 }),
    ],
  },
});

function project(name, settings, groupOrder = settings.maxWorkers) {
  return { test: { name, ...settings, sequence: { groupOrder }, testTimeout: 600_000, hookTimeout: 600_000, pool: 'forks' } };
}
