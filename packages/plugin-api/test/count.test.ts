import { expect, it } from 'vitest';
import { formatCount } from '../src/count.js';

it('formatCount knows one from many', () => {
  expect([formatCount(0, 'step'), formatCount(1, 'step'), formatCount(2, 'step')]).toEqual(['0 steps', '1 step', '2 steps']);
  expect(formatCount(1, 'entry', 'entries')).toBe('1 entry');
  expect(formatCount(2, 'entry', 'entries')).toBe('2 entries');
});
