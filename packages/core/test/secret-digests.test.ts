import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestSecrets } from '../src/secret-digests.js';

it('puts a digest in place of each secret, in keys and values', () => {
  const hidden = digestSecrets({ a: ['x hunter2 y', 1, null, true], hunter2: { b: 'plain' } }, ['hunter2', ''], 'step');
  expect(JSON.stringify(hidden)).not.toContain('hunter2');
  expect(hidden).toMatchObject({ a: [expect.stringMatching(/^x sha256:[0-9a-f]{64} y$/), 1, null, true] });
});

it('leaves data alone that holds no secret', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      expect(digestSecrets(data as never, [], 'step')).toBe(data);
      expect(digestSecrets(data as never, ['\u0001never there\u0001'], 'step')).toEqual(data);
    }),
  );
});

it('tells secrets apart, and the same secret in two places', () => {
  const of = (secret: string, salt = 'step') => digestSecrets(secret, [secret], salt);
  expect(of('one')).not.toBe(of('two'));
  expect(of('one')).not.toBe(of('one', 'other step'));
  expect(of('one')).toBe(of('one'));
});

it('hides a secret that is part of another', () => {
  const text = JSON.stringify(digestSecrets('abc abcdef', ['abc', 'abcdef'], 'step'));
  expect(text).not.toContain('abc');
  expect(text).not.toContain('def"');
});
