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

  it.each([
    ['*a*a*', 'a', false],
    ['*a*a*', 'aa', true],
    ['a*b*c', 'abbc', true],
    ['a*b?*c', 'abc', false],
    ['*ab*ba*', 'aba', false],
    ['*ab*[b-c]a', 'abca', true],
    ['*-*-*-*', 'a-b-c', false],
    ['*-*-*-*', 'a-b-c-', true],
  ])('%s matches %s: %s', (pattern, text, expected) => {
    expect(patternExpression(['never*one', pattern]).test(text)).toBe(expected);
  });

  it('matches as trying every place of every star does', () => {
    const tried = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === '';
      if (pattern[0] === '*') return tried(pattern.slice(1), text) || (text !== '' && tried(pattern, text.slice(1)));
      return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && tried(pattern.slice(1), text.slice(1));
    };
    const of = (letters: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...letters), maxLength });
    fc.assert(
      fc.property(of('ab*?', 8), of('ab', 8), (pattern, text) => {
        expect(patternExpression([pattern]).test(text)).toBe(tried(pattern, text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is done soon, however many stars look for what is not there', () => {
    const pattern = `${'*a'.repeat(500)}*b`;
    expect(patternExpression([pattern], { ignoreCase: true }).test('a'.repeat(2000))).toBe(false);
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
