import { join } from 'node:path';
import { alternate } from './alternation.js';
import type { Comparison } from './report.js';
import type { Scenario } from './scenario.js';
import { makeSyntheticDistribution, SYNTHETIC_ADDRESS } from './synthetic-distribution.js';
import { serveThrottled, type Line } from './throttled-server.js';
import { ICT } from './workspace.js';

const LINES: Readonly<Record<string, Line>> = {
  'a mirror nearby': { latencyMs: 5, connectionBytesPerSecond: 20e6, bytesPerSecond: 40e6 },
  'a mirror far away, which limits connections': { latencyMs: 60, connectionBytesPerSecond: 1e6, bytesPerSecond: 10e6 },
  'a slow line': { latencyMs: 60, connectionBytesPerSecond: 2e6, bytesPerSecond: 2e6 },
};

/** The last is the default, by which the others are divided. */
const WORKERS = [1, 2, 4, 8, 32, 64, 16];

/** How long the packages of an image take to be fetched and verified, by the number of workers, over lines of several kinds. */
export const mirror: Scenario = async ({ runs, directory, putAway, onRun, say }) => {
  say('making packages');
  const { root, definition, template, sizeBytes } = await makeSyntheticDistribution(join(directory, 'synthetic'));
  const comparisons: Comparison[] = [];
  for (const [name, line] of Object.entries(LINES)) {
    const server = await serveThrottled(root, line);
    try {
      const contenders = WORKERS.map((workers) => {
        const place = join(directory, `mirror-${workers}`);
        const places = ['--cache-dir', join(place, 'cache'), '--work-dir', join(place, 'work'), '--temp-dir', join(place, 'temp')];
        const source = ['--distro-file', definition, '--mirror', `${SYNTHETIC_ADDRESS}=${server.url}`];
        return {
          name: workers === 1 ? '1 worker' : `${workers} workers`,
          command: { argv: [ICT, 'cache', 'warm', template, '--workers', String(workers), ...source, ...places] },
          prepare: () => putAway(place),
        };
      });
      say(name);
      const results = await alternate(contenders, runs ?? 3, onRun);
      const { latencyMs, connectionBytesPerSecond, bytesPerSecond } = line;
      const speeds = `${latencyMs} ms, ${connectionBytesPerSecond / 1e6} MB/s a connection, ${bytesPerSecond / 1e6} MB/s together`;
      comparisons.push({ title: `${(sizeBytes / 1e6).toFixed(0)} MB in 98 packages over ${name} (${speeds})`, results });
    } finally {
      await server.close();
    }
  }
  return comparisons;
};
