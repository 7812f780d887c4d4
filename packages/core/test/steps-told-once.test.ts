import { expect, it } from 'vitest';
import type { StepReport } from '../src/engine-api.js';
import { stepsToldOnce } from '../src/steps-told-once.js';

const report = (key: string, hit: boolean, durationMs: number): StepReport => ({ type: 'acme', key, hit, reason: '', durationMs });

it.each<[string, readonly [boolean, boolean], number]>([
  ['found twice', [true, true], 1],
  ['made, and then found', [false, true], 1],
  ['found, and made after all', [true, false], 2],
  ['made twice', [false, false], 2],
])('counts a step that was %s once', (_what, [before, after], told) => {
  const reports = [report('a', before, 1), report('b', true, 1), report('a', after, 2)];
  expect(stepsToldOnce(reports)).toEqual([report('a', before && after, told), report('b', true, 1)]);
});
