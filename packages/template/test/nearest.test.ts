import { describe, expect, it } from 'vitest';
import { nearest } from '../src/problems/nearest.js';

describe('nearest', () => {
  it.each([
    ['dsik', ['disk', 'image'], 'disk'],
    ['IMAGE', ['disk', 'image'], 'image'],
    ['systemconfg', ['systemConfig', 'disk'], 'systemConfig'],
    ['zzz', ['disk', 'image'], undefined],
    ['x'.repeat(1000), ['x'.repeat(1001)], undefined],
  ])('%s', (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });
});
