import { describe, expect, it } from 'vitest';
import type { EventBody } from '@ict/plugin-api';
import { Progress } from '../src/views/progress.js';
import { event } from './fixture.js';

const MiB = 2 ** 20;
const url = (name: string): string => `http://mirror.example/${name}`;

/** Progress of a download of three files, 40 MiB together, after these events, each with its time in milliseconds. */
function after(...told: readonly (readonly [number, EventBody])[]): string {
  const progress = new Progress();
  const before: readonly EventBody[] = [
    { type: 'stage.start', stage: 'packages' },
    { type: 'fetch.done', url: url('index'), sizeBytes: 30 * MiB, durationMs: 10 },
    { type: 'resolve.done', packages: 3, downloadBytes: 40 * MiB, fromLock: false },
    { type: 'fetch.start', files: 3, totalBytes: 40 * MiB },
  ];
  for (const [timeMs, body] of [...before.map((body) => [0, body] as const), ...told]) progress.add(event(body, timeMs));
  return progress.describe('packages');
}

const received = (name: string, receivedBytes: number): EventBody => ({ type: 'fetch.progress', url: url(name), receivedBytes });
const done = (name: string, sizeBytes: number): EventBody => ({ type: 'fetch.done', url: url(name), sizeBytes, durationMs: 1 });

describe('the rate of a download', () => {
  it('is of all files together, finished and not', () => {
    const text = after([0, received('a', 0)], [500, received('b', 2 * MiB)], [1000, done('a', 3 * MiB)], [2000, received('b', 7 * MiB)]);
    expect(text).toBe('downloaded 1/3, 10.0 MiB of 40.0 MiB at 5.00 MiB/s, 3 packages');
  });

  it('is of the last four seconds', () => {
    // 5 MiB a second, and then 1 MiB a second.
    const fast = [0, 1, 2, 3].map((second) => [second * 1000, received('a', second * 5 * MiB)] as const);
    const slow = [4, 5, 6, 7, 8].map((second) => [second * 1000, received('a', (12 + second) * MiB)] as const);
    expect(after(...fast, ...slow.slice(0, 1))).toContain('16.0 MiB of 40.0 MiB at 4.00 MiB/s,');
    expect(after(...fast, ...slow)).toContain('20.0 MiB of 40.0 MiB at 1.00 MiB/s,');
  });

  it.each([
    ['nothing has arrived', []],
    ['there is one moment only', [[0, received('a', MiB)]]],
    [
      'half a second has not passed',
      [
        [0, received('a', MiB)],
        [499, received('a', 2 * MiB)],
      ],
    ],
  ] as const)('is not told when %s', (_when, told) => {
    expect(after(...told)).toMatch(/^downloaded 0\/3, \S+ \S+ of 40\.0 MiB, 3 packages$/);
  });

  it('is not below nothing when a file begins anew', () => {
    expect(after([0, received('a', 9 * MiB)], [1000, received('a', 1 * MiB)])).toContain('1.00 MiB of 40.0 MiB at 0 B/s,');
  });
});

describe('the steps of a build', () => {
  const hit = (key: string, from?: 'remote'): EventBody => ({
    type: 'step.hit',
    step: 'acme',
    key,
    ...(from === undefined ? {} : { from }),
  });
  const miss = (key: string): EventBody => ({ type: 'step.miss', step: 'acme', key, reason: '' });

  it.each<[string, readonly EventBody[], string]>([
    ['found twice', [hit('a'), hit('a')], '1 of 1 step from the cache'],
    ['made, and then found', [miss('a'), hit('a')], '0 of 1 step from the cache'],
    ['found, and made after all', [hit('a', 'remote'), miss('a')], '0 of 1 step from the cache'],
    ['taken from elsewhere, and then here', [hit('a', 'remote'), hit('a')], '1 of 1 step from the cache, 1 of them from a remote one'],
  ])('count once, however often it starts over: %s', (_what, told, text) => {
    const progress = new Progress();
    for (const body of [{ type: 'stage.start', stage: 'compose' } as const, ...told]) progress.add(event(body, 0));
    progress.add(event({ type: 'stage.done', stage: 'compose', durationMs: 1 }, 1));
    expect(progress.describe('compose')).toBe(text);
  });
});

describe('a download', () => {
  const blob = 'http://cache.example/v1/blobs/sha256/00/00.zst';
  const arriving = (receivedBytes: number, totalBytes?: number): EventBody => {
    return { type: 'fetch.progress', url: blob, receivedBytes, from: 'remote', ...(totalBytes === undefined ? {} : { totalBytes }) };
  };
  const told = (stage: 'packages' | 'compose', ...bodies: readonly EventBody[]): Progress => {
    const progress = new Progress();
    for (const body of [{ type: 'stage.start', stage } as const, ...bodies]) progress.add(event(body, 0));
    return progress;
  };

  it.each(['packages', 'compose'] as const)('from a remote cache is shown in the stage %s', (stage) => {
    expect(told(stage, arriving(3 * MiB, 80 * MiB)).describe(stage)).toBe('3.00 MiB of 80.0 MiB from a remote cache');
    expect(told(stage, arriving(3 * MiB)).describe(stage)).toBe('3.00 MiB from a remote cache');
  });

  it('from a remote cache is none of the announced ones', () => {
    const arrived: EventBody = { type: 'fetch.done', url: blob, sizeBytes: 80 * MiB, durationMs: 1, from: 'remote' };
    expect(after([0, arriving(80 * MiB, 80 * MiB)], [0, arrived])).toBe('downloaded 0/3, 0 B of 40.0 MiB, 3 packages');
  });

  it('of packages for one layer is shown while that is made', () => {
    const start: EventBody = { type: 'fetch.start', files: 2, totalBytes: 4 * MiB };
    const miss: EventBody = { type: 'step.miss', step: 'acme.install', key: 'k', reason: '' };
    const progress = told('compose', miss, start, received('a', MiB));
    expect(progress.describe('compose')).toMatch(/^downloaded 0\/2, 1\.00 MiB of 4\.00 MiB, /);
    expect(progress.downloaded).toBe(0.25);
    for (const body of [done('a', 2 * MiB), done('b', 2 * MiB)]) progress.add(event(body, 1));
    expect(progress.describe('compose')).toBe('acme.install');
    expect(progress.downloaded).toBeUndefined();
  });

  it('that was not finished is not told of in the next stage', () => {
    const progress = told('packages', { type: 'fetch.start', files: 2, totalBytes: 4 * MiB });
    progress.add(event({ type: 'stage.start', stage: 'compose' }, 1));
    expect(progress.describe('compose')).toBe('');
  });
});
