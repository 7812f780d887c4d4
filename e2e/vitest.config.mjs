import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';

/** What compares the state of the host before and after, or damages what other files build from. */
const alone = ['test/interruption.test.ts', 'test/real-archive.test.ts'];

/**
 * What takes longest, and so is not left for the end, where it would run by itself. The two that boot machines are apart: `ict boot` gives up
 * after a while, and several machines at once make each slow.
 */
const early = [
  'test/real-boot.test.ts',
  'test/removed-directories.test.ts',
  'test/damaged-files.test.ts',
  'test/caches.test.ts',
  'test/rpm-boot.test.ts',
];

/** The usual order, but for {@link early}. */
class LongestFirst extends BaseSequencer {
  async sort(files) {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }) => {
      const place = early.findIndex((file) => moduleId.endsWith(`/${file}`));
      return place === -1 ? early.length : place;
    };
    const group = ({ project }) => project.config.sequence.groupOrder;
    return sorted.sort((a, b) => group(a) - group(b) || rank(a) - rank(b));
  }
}

/**
 * End-to-end tests, each file with directories of its own. Some have the machine to themselves; then the others run three at a time, as one
 * build or one machine in qemu keeps less than one processor busy. Whoever comes first makes what the others build from.
 */
export default defineConfig({
  test: {
    globalSetup: ['./src/global-setup.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      project('alone', 1, { include: alone, maxWorkers: 1, maxConcurrency: 4 }),
      project('beside others', 2, { include: ['test/**/*.test.ts'], exclude: alone, maxWorkers: 3, maxConcurrency: 2 }),
    ],
  },
});

/** A test may take twenty minutes, as some build several images; a boot gives up by itself. */
function project(name, groupOrder, settings) {
  return { test: { name, ...settings, sequence: { groupOrder }, testTimeout: 1_200_000, hookTimeout: 600_000, pool: 'forks' } };
}
