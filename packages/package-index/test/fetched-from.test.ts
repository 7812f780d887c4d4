import { expect, it } from 'vitest';
import { IctError } from '@ict/plugin-api';
import { fetchedFrom } from '../src/fetched-from.js';

const failure = (facts: object): IctError => new IctError('ICT_FETCH_MISMATCH', 'integrity', { message: 'no', facts: { ...facts } });
const [one, two] = ['http://one.test/debian', 'http://two.test/debian'];

it.each<[string, unknown, string]>([
  ['a file', { file: '/tmp/f', url: `${one}/x` }, `fetched from ${one}/x`],
  ['a failure of one', failure({ url: 'http://archive.test/x', answeredBy: `${one}/x` }), `fetched from ${one}/x`],
  [
    'a failure of several that sent something else, and of one that sent nothing',
    failure({
      answeredBy: `${one}/x`,
      mirrors: [
        { url: one, code: 'ICT_FETCH_MISMATCH' },
        { url: 'http://three.test', code: 'ICT_FETCH_CONNECTION' },
        { url: two, code: 'ICT_FETCH_MISMATCH' },
      ],
    }),
    `fetched from ${one} and ${two}`,
  ],
  ['a failure that does not say it', failure({}), 'fetched'],
  ['nothing', undefined, 'fetched'],
])('who sent what came is told of %s', (_what, found, told) => {
  expect(fetchedFrom(found)).toBe(told);
});
