import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '@ict/plugin-api';
import { canonicalJson, diffInputs, type InputDifference } from '../src/index.js';

it.each<[string, Json, Json, InputDifference[]]>([
  ['nothing', { a: 1, b: [1] }, { b: [1], a: 1 }, []],
  ['undefined and absent', { a: undefined }, {}, []],
  ['a scalar', 1, 2, [{ path: '', before: 1, after: 2 }]],
  ['a type', { a: [] }, { a: {} }, [{ path: 'a', before: [], after: {} }]],
  [
    'a member',
    { a: { b: 1 } },
    { a: { b: 2, c: null } },
    [
      { path: 'a.b', before: 1, after: 2 },
      { path: 'a.c', before: undefined, after: null },
    ],
  ],
  ['an odd name', { env: { 'a.b': 1 } }, { env: {} }, [{ path: 'env["a.b"]', before: 1, after: undefined }]],
  ['an inserted item', ['a', 'c'], ['a', 'b', 'c'], [{ path: '[1]', before: undefined, after: 'b' }]],
  ['a removed item', ['a', 'b', 'c'], ['a', 'c'], [{ path: '[1]', before: 'b', after: undefined }]],
  [
    'an item changed in place beside an inserted one',
    {
      p: [
        { n: 'a', v: 1 },
        { n: 'b', v: 1 },
        { n: 'd', v: 1 },
      ],
    },
    {
      p: [
        { n: 'a', v: 2 },
        { n: 'b', v: 1 },
        { n: 'c', v: 1 },
        { n: 'd', v: 1 },
      ],
    },
    [
      { path: 'p[0].v', before: 1, after: 2 },
      { path: 'p[2]', before: undefined, after: { n: 'c', v: 1 } },
    ],
  ],
  ['an inherited name', {}, { toString: 1 }, [{ path: 'toString', before: undefined, after: 1 }]],
])('reports %s', (_name, before, after, expected) => {
  expect(diffInputs(before, after)).toEqual(expected);
});

it('is empty exactly when the canonical texts are equal', () => {
  const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(anyJson, anyJson, (a, b) => {
      expect(diffInputs(a, structuredClone(a))).toEqual([]);
      expect(diffInputs(a, b).length === 0).toBe(canonicalJson(a) === canonicalJson(b));
    }),
  );
});

it('finds the fewest additions and removals of a list of texts', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.nat(), (items, at) => {
      const index = items.length === 0 ? 0 : at % items.length;
      expect(diffInputs(items, items.toSpliced(index, 0, '\0new'))).toEqual([{ path: `[${index}]`, before: undefined, after: '\0new' }]);
    }),
  );
});

it('copes with arrays too long to align', () => {
  const before = Array.from({ length: 3000 }, (_, index) => `b${index}`);
  const after = Array.from({ length: 3000 }, (_, index) => `a${index}`);
  expect(diffInputs(before, after)).toHaveLength(3000);
});
