import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearestNames } from '../src/near-names.js';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-'), maxLength: 8 });

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['bash', 'bash', 0],
    ['bash', 'bsah', 1],
    ['bash', 'dash', 1],
    ['bash', 'bashh', 1],
    ['bash', 'bsh', 1],
    ['ca', 'abc', 3],
    ['openssh-server', 'opnessh-sever', 2],
    ['kitten', 'sitting', 3],
  ])('%s to %s is %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
  });

  it('is symmetric, and zero only for equal words', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });

  it('stops at its bound with the same answer', () => {
    fc.assert(
      fc.property(word, word, fc.integer({ min: 0, max: 5 }), (a, b, bound) => {
        expect(editDistance(a, b, bound)).toBe(Math.min(editDistance(a, b), bound + 1));
      }),
    );
  });
});

describe('nearestNames', () => {
  it.each([
    ['opnessh-server', ['openssh-server', 'openssh-client', 'bash'], ['openssh-server']],
    ['bsh', ['zsh', 'bash', 'dash', 'ash'], ['ash', 'bash', 'zsh']],
    ['vim', ['emacs'], []],
    ['CURL', ['cura', 'curl', 'CURL-x'], ['curl', 'cura']],
    ['packagekit', ['PackageKit'], ['PackageKit']],
    ['nginx', ['nginx', 'nginx', 'ngins'], ['nginx', 'ngins']],
  ])('%s among %j', (wanted, names, expected) => {
    expect(nearestNames(wanted, names)).toEqual(expected);
  });

  it('gives at most what it is asked for', () => {
    expect(nearestNames('aaa', ['aab', 'aac', 'aad', 'aae'], 2)).toEqual(['aab', 'aac']);
  });
});
