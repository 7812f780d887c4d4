import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IctError, defineErrors, fromErrorRecord, hasCode, isIctError, reasonOf, toErrorRecord } from '../src/index.js';
import type { ErrorKind } from '../src/index.js';

const sampleError = defineErrors({ ICT_SAMPLE_BROKEN: 'integrity', ICT_SAMPLE_LOST: 'network' });
const anyKind = fc.constantFrom<ErrorKind[]>(
  'invalid',
  'usage',
  'unsolvable',
  'network',
  'integrity',
  'offline',
  'host',
  'command',
  'internal',
);

describe('defineErrors', () => {
  it('gives each code its kind', () => {
    const error = sampleError('ICT_SAMPLE_LOST', { message: 'gone', hint: 'look for it', facts: { where: 'here' } });
    expect(error).toMatchObject({ code: 'ICT_SAMPLE_LOST', kind: 'network', hint: 'look for it', facts: { where: 'here' }, problems: [] });
    expect(sampleError.codes).toEqual({ ICT_SAMPLE_BROKEN: 'integrity', ICT_SAMPLE_LOST: 'network' });
  });

  it('keeps the cause', () => {
    const cause = new Error('below');
    expect(sampleError('ICT_SAMPLE_BROKEN', { message: 'above', cause }).cause).toBe(cause);
  });
});

describe('isIctError', () => {
  it('knows an error of another copy of this package', () => {
    const foreign = Object.assign(new Error('x'), { name: 'IctError', code: 'ICT_SAMPLE_LOST' });
    expect(isIctError(foreign)).toBe(true);
    expect(hasCode(foreign, 'ICT_SAMPLE_LOST')).toBe(true);
    expect(hasCode(foreign, 'ICT_SAMPLE_BROKEN')).toBe(false);
  });

  it.each([[new Error('x')], [{ name: 'IctError', code: 'ICT_SAMPLE_LOST' }], [undefined], ['ICT_SAMPLE_LOST']])('refuses %s', (value) => {
    expect(isIctError(value)).toBe(false);
  });
});

describe('error records', () => {
  it('survive a round trip through JSON', () => {
    fc.assert(
      fc.property(
        anyKind,
        fc.string(),
        fc.option(fc.string(), { nil: undefined }),
        fc.dictionary(fc.string(), fc.string()),
        (kind, message, hint, facts) => {
          const details = hint === undefined ? { message, facts } : { message, hint, facts };
          const record = toErrorRecord(new IctError('ICT_SAMPLE_BROKEN', kind, details));
          const copy = JSON.parse(JSON.stringify(record)) as typeof record;
          expect(toErrorRecord(fromErrorRecord(copy))).toEqual(record);
        },
      ),
    );
  });

  it.each([[new TypeError('not a function')], ['thrown text'], [undefined], [null], [Object.create(null) as unknown]])(
    'call %s an internal error',
    (thrown) => {
      expect(toErrorRecord(thrown)).toMatchObject({ code: 'ICT_INTERNAL', kind: 'internal', facts: {}, problems: [] });
    },
  );
});

it.each<[unknown, string]>([
  [new TypeError('not a function'), 'not a function'],
  [new TypeError(), 'TypeError'],
  ['thrown text', 'thrown text'],
  ['', 'an empty text was thrown'],
  [undefined, 'undefined'],
  [null, 'null'],
  [Symbol('no'), 'Symbol(no)'],
  [{ message: 'teapot' }, 'teapot'],
  [{ message: 418 }, 'an object without a message was thrown'],
  [Object.create(null), 'an object without a message was thrown'],
  [() => undefined, 'a function was thrown'],
])('whatever is thrown says something of itself: %#', (thrown, said) => {
  expect(reasonOf(thrown)).toBe(said);
});
