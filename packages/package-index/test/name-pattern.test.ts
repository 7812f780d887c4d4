import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPattern, patternExpression } from '../src/name-pattern.js';

describe('patternExpression', () => {
  it.each([
    [['linux-image-*'], 'linux-image-amd64', true],
    [['linux-image-*'], 'linux-image', false],
    [['*'], '', true],
    [['lib**'], 'libc', true],
    [['lib?'], 'libc', true],
    [['lib?'], 'libcc', false],
    [['g++'], 'g++', true],
    [['g++'], 'ggg', false],
    [['a.b'], 'axb', false],
    [['a', 'b*'], 'bc', true],
    [['[abc]x'], 'bx', true],
    [['[!abc]x'], 'bx', false],
    [['[!abc]x'], 'dx', true],
    [['[0-9]x'], '5x', true],
    [['[z-a]x'], 'mx', false],
    [['[.+]x'], '+x', true],
    [['[-a]x'], '-x', true],
    [['[x'], '[x', true],
    [['[]x'], '[]x', true],
  ])('%j matches %s: %s', (patterns, text, expected) => {
    expect(patternExpression(patterns).test(text)).toBe(expected);
  });

  it('takes capital and small letters for the same where it is asked to', () => {
    const matches = (ignoreCase: boolean) => patternExpression(['d[a-e]v*'], { ignoreCase }).test('DEVEL');
    expect([matches(true), matches(false)]).toEqual([true, false]);
  });

  it('never fails, and a text without signs matches itself alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 }), (pattern, text) => {
        const expression = patternExpression([pattern]);
        if (isPattern(pattern)) expect(typeof expression.test(text)).toBe('boolean');
        else expect([expression.test(pattern), expression.test(text)]).toEqual([true, text === pattern]);
      }),
    );
  });
});
