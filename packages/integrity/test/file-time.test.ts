import { expect, it } from 'vitest';
import { fileTime } from '../src/index.js';

it.each([
  [0, 0],
  [-10, -10_000],
  [1_700_000_000, 1_700_000_000_000],
  [Infinity, 8.64e15],
  [-Infinity, -8.64e15],
])('a file of %s seconds has a Date of %s', (seconds, milliseconds) => {
  expect(fileTime(seconds).getTime()).toBe(milliseconds);
});
