import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareEvr, compareVersions, formatEvr, parseEvr, rpmvercmp } from '../src/relations/evr.js';

const anyVersion = fc.string({ unit: fc.constantFrom(...'0019abZ~^._+'), minLength: 1, maxLength: 10 });

/** rpm's own order of pairs, asked all at once. */
function orderOfRpm(pairs: readonly (readonly [string, string])[]): number[] {
  const script = `
import rpm, sys
for line in sys.stdin:
    a, b = line.split()
    print(rpm.labelCompare(('0', a, '1'), ('0', b, '1')))
`;
  const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
  return execFileSync('/usr/bin/python3', ['-c', script], { input, maxBuffer: 2 ** 26 })
    .toString()
    .trim()
    .split('\n')
    .map(Number);
}

describe('rpmvercmp', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0', '2.0', -1],
    ['2.0.1', '2.0', 1],
    ['2.0.1a', '2.0.1', 1],
    ['5.5p10', '5.5p1', 1],
    ['10xyz', '10.1xyz', -1],
    ['xyz10', 'xyz10.1', -1],
    ['xyz.4', '8', -1],
    ['5.5p2', '5.6p1', -1],
    ['6.5p1', '5.6p1', 1],
    ['6.0.rc1', '6.0', 1],
    ['10b2', '10a1', 1],
    ['1.0aa', '1.0a', 1],
    ['10.0001', '10.1', 0],
    ['10.0001', '10.0039', -1],
    ['4.999.9', '5.0', -1],
    ['20101121', '20101122', -1],
    ['2_0', '2.0', 0],
    ['a+', 'a_', 0],
    ['+', '_', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0~rc1~git1', '1.0~rc1', -1],
    ['1.0^', '1.0', 1],
    ['1.0^git1', '1.01', -1],
    ['1.0^20160102', '1.0^20160101^git1', 1],
    ['1.0~rc1^git1', '1.0~rc1', 1],
    ['1.0^git1~pre', '1.0^git1', -1],
    ['00000000000000000000000000000001', '1', 0],
    ['99999999999999999999999999999999', '99999999999999999999999999999998', 1],
  ])('%s against %s is %i', (a, b, expected) => {
    expect(rpmvercmp(a, b)).toBe(expected);
    expect(rpmvercmp(b, a)).toBe(expected === 0 ? 0 : -expected);
  });

  it('is the order of rpm', () => {
    const pairs = fc.sample(fc.tuple(anyVersion, anyVersion), { numRuns: 5000, seed: 6 });
    const expected = orderOfRpm(pairs);
    expect(expected).toHaveLength(pairs.length);
    const differing = pairs.flatMap(([a, b], i) => (rpmvercmp(a, b) === expected[i] ? [] : [`${a} ${b} ${expected[i]}`]));
    expect(differing).toEqual([]);
  });

  it('is antisymmetric, and equal to itself', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (a, b) => {
        expect(rpmvercmp(a, a)).toBe(0);
        expect(rpmvercmp(a, b) + rpmvercmp(b, a)).toBe(0);
      }),
    );
  });
});

describe('EVRs', () => {
  it.each([
    ['1.0', { epoch: 0, version: '1.0', release: undefined }],
    ['1.0-1', { epoch: 0, version: '1.0', release: '1' }],
    ['2:1.0-1.el9', { epoch: 2, version: '1.0', release: '1.el9' }],
    [':1.0', { epoch: 0, version: '1.0', release: undefined }],
    ['0:1.0~rc1^git-3', { epoch: 0, version: '1.0~rc1^git', release: '3' }],
  ])('%s is read', (text, expected) => {
    expect(parseEvr(text)).toEqual(expected);
  });

  it.each(['', '1:', 'a b', 'x:1.0', '4294967296:1', '1-2-3', '1.0-', '1:2:3'])('"%s" is refused', (text) => {
    expect(() => parseEvr(text)).toThrow(expect.objectContaining({ code: 'ICT_RPM_VERSION_INVALID' }));
  });

  it.each([
    ['1:0.9-1', '2.0-1', 1],
    ['1.0', '1.0-5', 0],
    ['1.0-4', '1.0-5', -1],
    ['0:1.0-1', '1.0-1', 0],
  ])('%s against %s is %i', (a, b, expected) => {
    expect(compareEvr(parseEvr(a), parseEvr(b))).toBe(expected);
  });

  it('are put in order as they are written, what is none before all others', () => {
    expect(['1.10-1', '1:0.1-1', 'a b', '1.9-1', '1.9~rc1-1', ''].sort(compareVersions)).toEqual([
      '',
      'a b',
      '1.9~rc1-1',
      '1.9-1',
      '1.10-1',
      '1:0.1-1',
    ]);
  });

  it('are written as they are read, without an epoch of 0', () => {
    for (const text of ['1.0', '1.0-1', '3:1.0-1']) expect(formatEvr(parseEvr(text))).toBe(text);
    expect(formatEvr(parseEvr('0:1.0-1'))).toBe('1.0-1');
  });
});
