import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDebVersions, isDebVersion, parseDebVersion, satisfiesVersion } from '../src/relations/version.js';
import type { RelationOperator } from '../src/relations/version.js';

const run = fc.string({ unit: fc.constantFrom(...'0123456789abzAZ.+~'), minLength: 1, maxLength: 8 });
const anyVersion = fc
  .record({
    epoch: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
    upstream: run,
    middle: fc.option(run, { nil: undefined }),
    revision: fc.option(run, { nil: undefined }),
  })
  .map(({ epoch, upstream, middle, revision }) => {
    const parts = revision === undefined ? [upstream] : [upstream, ...(middle === undefined ? [] : [middle]), revision];
    return `${epoch === undefined ? '' : `${epoch}:`}${parts.join('-')}`;
  });
const anyText = fc.string({ unit: 'binary-ascii', maxLength: 12 });

describe('compareDebVersions', () => {
  it.each([
    ['1.0', '1.0', 0],
    ['1.0', '1.0-0', 0],
    ['0:1.0', '1.0', 0],
    ['00:1.0', '0:1.0', 0],
    ['1.01', '1.1', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0~~', '1.0~', -1],
    ['1.0~', '1.0~~a', 1],
    ['1.0', '1.0a', -1],
    ['1.0a', '1.0+', -1],
    ['1.0.', '1.0a', 1],
    ['1:0.9', '2.0', 1],
    ['10:1', '9:1', 1],
    ['1.10', '1.9', 1],
    ['1.2-3', '1.2-3+b1', -1],
    ['1.2-3+b1', '1.2-3.1', -1],
    ['1.2-1-1', '1.2-1', 1],
    ['20200101000000000000000001', '20200101000000000000000000', 1],
    ['9999999999999999999999', '10000000000000000000000', -1],
    ['1.0-1', '1.0-1ubuntu1', -1],
    ['2.36-9+deb12u14', '2.36-9+deb12u9', 1],
    ['3.23+nmu1', '3.23', 1],
    ['1.2.13.dfsg-1', '1.2.13', 1],
  ])('%s against %s is %i', (a, b, expected) => {
    expect(Math.sign(compareDebVersions(a, b))).toBe(expected);
    expect(Math.sign(compareDebVersions(b, a))).toBe(expected === 0 ? 0 : -expected);
  });

  it('agrees with dpkg over thousands of pairs', () => {
    const some = fc.sample(anyVersion, { numRuns: 100, seed: 822 });
    const near = some.flatMap((a) =>
      [`${a}~`, `${a}0`, `${a}a`, `${a}.1`, `0${a}`, a.toUpperCase()].slice(a.length % 3, (a.length % 3) + 3),
    );
    // dpkg's order is a total one: who agrees about all neighbours of a sorted list agrees about every two of it, and neighbours are hardest.
    const sorted = [...new Set([...some, ...near])].sort(compareDebVersions);
    expect((sorted.length * (sorted.length - 1)) / 2).toBeGreaterThan(50_000);
    const claims = sorted.slice(1).map((b, at) => `${sorted[at]} ${compareDebVersions(sorted[at] as string, b) < 0 ? 'lt' : 'eq'} ${b}`);
    // No version has white space. The last claim is false, so that a dpkg that says nothing is noticed.
    const input = [...claims, '1 gt 2', ''].join('\n');
    const script =
      'while read -r a operator b; do dpkg --compare-versions "$a" "$operator" "$b" || echo "$a $operator $b"; done 2>/dev/null';
    const { stdout } = spawnSync('sh', ['-c', script], { input, encoding: 'utf8' });
    expect(stdout.trim().split('\n')).toEqual(['1 gt 2']);
  });

  it('is a total order over any text', () => {
    fc.assert(
      fc.property(fc.oneof(anyVersion, anyText), fc.oneof(anyVersion, anyText), fc.oneof(anyVersion, anyText), (a, b, c) => {
        const [first, second, third] = [a, b, c].sort(compareDebVersions);
        expect(Math.sign(compareDebVersions(a, b))).toBe(0 - Math.sign(compareDebVersions(b, a)));
        expect(compareDebVersions(first, second)).toBeLessThanOrEqual(0);
        expect(compareDebVersions(second, third)).toBeLessThanOrEqual(0);
        expect(compareDebVersions(first, third)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('parseDebVersion', () => {
  it.each([
    ['1.0', { epoch: '0', upstream: '1.0', revision: '' }],
    ['3:20221126-1+deb12u1', { epoch: '3', upstream: '20221126', revision: '1+deb12u1' }],
    ['1.2-3-4', { epoch: '0', upstream: '1.2-3', revision: '4' }],
    ['1:2:3-1', { epoch: '1', upstream: '2:3', revision: '1' }],
  ])('takes %s apart', (text, expected) => {
    expect(parseDebVersion(text)).toEqual(expected);
  });

  it.each(['', ':1', 'a:1', '-1:1', '1:', '1-', '-1', '1 0', '1_0', '1.0-é', '1.0-a:b', '2147483648:1', '1.0\n'])(
    'refuses %j, as dpkg does',
    (text) => {
      expect(isDebVersion(text)).toBe(false);
      expect(() => parseDebVersion(text)).toThrow(expect.objectContaining({ code: 'ICT_DEB_VERSION_INVALID' }));
    },
  );

  it('accepts what dpkg accepts', () => {
    const texts = fc.sample(
      fc.string({ unit: fc.constantFrom(...'01a.:-+~'), minLength: 1, maxLength: 6 }).filter((text) => !text.startsWith('-')),
      { numRuns: 150, seed: 7 },
    );
    for (const text of texts) {
      const { status, stderr } = spawnSync('dpkg', ['--compare-versions', text, 'eq', text], { encoding: 'utf8' });
      expect(isDebVersion(text), `${text}: ${stderr}`).toBe(status === 0);
    }
  });

  it('keeps every part', () => {
    fc.assert(
      fc.property(anyVersion, (text) => {
        const { epoch, upstream, revision } = parseDebVersion(text);
        expect(compareDebVersions(`${epoch}:${upstream}${revision === '' ? '' : `-${revision}`}`, text)).toBe(0);
      }),
    );
  });
});

it('satisfiesVersion follows each operator', () => {
  const holds = (operator: RelationOperator): boolean[] =>
    ['0.9', '1.0', '1.1'].map((version) => satisfiesVersion(version, operator, '1.0'));
  expect(holds('<<')).toEqual([true, false, false]);
  expect(holds('<=')).toEqual([true, true, false]);
  expect(holds('=')).toEqual([false, true, false]);
  expect(holds('>=')).toEqual([false, true, true]);
  expect(holds('>>')).toEqual([false, false, true]);
});
