import { expect, it } from 'vitest';
import { fetchingFlags } from '../fetching-flags.mjs';

it.each([
  [[], { cacheDirectory: undefined, others: [] }],
  [['--output', 'out', '--frozen', '--mirror', 'a=b', '-w', '4'], { cacheDirectory: undefined, others: ['--mirror', 'a=b', '-w', '4'] }],
  [['--mirror=a=b', '--mirror', 'c=d'], { cacheDirectory: undefined, others: ['--mirror', 'a=b', '--mirror', 'c=d'] }],
  [['--cache-dir', 'cache', '--no-host-mirrors'], { cacheDirectory: 'cache', others: ['--no-host-mirrors'] }],
  [['--cache-dir=cache'], { cacheDirectory: 'cache', others: [] }],
  [['-d', 'cache', '--work-dir', 'work'], { cacheDirectory: 'cache', others: ['--work-dir', 'work'] }],
])('%j say how packages are fetched: %j', (flags, expected) => {
  expect(fetchingFlags(flags)).toEqual(expected);
});
