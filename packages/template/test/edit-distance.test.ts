import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../src/problems/edit-distance.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['disk', 'disk', 0],
    ['dsik', 'disk', 1],
    ['cmdlin', 'cmdline', 1],
    ['ca', 'abc', 3],
    ['kitten', 'sitting', 3],
  ])('%j to %j is %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  it('is symmetric, zero only for equal words, and at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

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
