import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareText } from '../src/compare-text.js';

it.each([
  ['', '', 0],
  ['a', '', 1],
  ['a', 'ab', -1],
  ['B', 'a', -1],
  ['z', 'ä', -1],
  // A surrogate pair begins with a lower code unit than U+FB33, though its code point is higher.
  ['\u{1F600}', '\uFB33', -1],
])('%j beside %j', (a, b, expected) => {
  expect(compareText(a, b)).toBe(expected);
});

it('sorts as `sort` does without a function', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
      expect(texts.toSorted(compareText)).toEqual(texts.toSorted());
    }),
  );
});
