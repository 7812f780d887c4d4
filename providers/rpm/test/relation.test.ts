import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvr } from '../src/relations/evr.js';
import { EQUAL, formatRelation, GREATER, LESS, parseSense, rangesMeet, RelationTable } from '../src/relations/relation.js';

const table = new RelationTable();

/** `name >= 1:2-3` as a relation. */
function relation(text: string) {
  const [name, sign, evr] = text.split(' ');
  return sign === undefined ? table.relation(name!) : table.relation(name!, parseSense(sign), parseEvr(evr!));
}

describe('ranges', () => {
  it.each([
    ['a', 'a', true],
    ['a = 1', 'a', true],
    ['a', 'a >= 1', true], // Without a version it satisfies every version: the opposite of deb.
    ['a = 1', 'a = 1', true],
    ['a = 1', 'a < 1', false],
    ['a = 1', 'a <= 1', true],
    ['a = 1-2', 'a = 1', true],
    ['a = 1', 'a = 1-2', true],
    ['a = 1-1', 'a > 1', false],
    ['a = 1', 'a > 1-1', true],
    ['a = 1:1', 'a < 2', false],
    ['a < 1', 'a > 1', false],
    ['a <= 1', 'a >= 1', true],
    ['a < 2', 'a > 1', true],
    ['a > 1', 'a > 5', true],
    ['a = 1~rc', 'a < 1', true],
    ['a = 1^git', 'a <= 1', false],
  ])('%s meets %s: %s', (a, b, expected) => {
    expect(rangesMeet(relation(a), relation(b))).toBe(expected);
    expect(rangesMeet(relation(b), relation(a))).toBe(expected);
  });

  it('meet as for rpm', () => {
    const evr = fc
      .tuple(fc.constantFrom('', '1:'), fc.constantFrom('1', '1.1', '1~a', '1^b', '2'), fc.constantFrom('', '-1', '-2', '-1.1'))
      .map((parts) => parts.join(''));
    const text = fc.oneof(
      fc.constant('a'),
      fc.tuple(fc.constantFrom('<', '<=', '=', '>=', '>'), evr).map(([sign, version]) => `a ${sign} ${version}`),
    );
    const pairs = fc.sample(fc.tuple(text, text), { numRuns: 2000, seed: 3 });
    const script = `
import rpm, sys
senses = {'<': rpm.RPMSENSE_LESS, '>': rpm.RPMSENSE_GREATER, '=': rpm.RPMSENSE_EQUAL}
def ds(text):
    parts = text.split(' ')
    if len(parts) == 1: return rpm.ds((parts[0], 0, ''), rpm.RPMTAG_PROVIDENAME)
    return rpm.ds((parts[0], sum(senses[c] for c in parts[1]), parts[2]), rpm.RPMTAG_PROVIDENAME)
for line in sys.stdin:
    a, b = line.rstrip('\\n').split('|')
    a, b = ds(a), ds(b)
    print(int(a.Compare(b)))
`;
    const output = execFileSync('/usr/bin/python3', ['-c', script], { input: pairs.map((pair) => `${pair.join('|')}\n`).join('') });
    const expected = output.toString().trim().split('\n').map((line) => line === '1'); // prettier-ignore
    expect(expected).toHaveLength(pairs.length);
    expect(pairs.filter(([a, b], i) => rangesMeet(relation(a), relation(b)) !== expected[i])).toEqual([]);
  });
});

describe('relations', () => {
  it('are made once each', () => {
    expect(relation('a >= 1:2-3')).toBe(relation('a >= 1:2-3'));
    expect(relation('a >= 1:2-3')).not.toBe(relation('a > 1:2-3'));
    expect(table.relation('a', 0, parseEvr('1'))).toBe(relation('a'));
  });

  it('are written as rpm does', () => {
    for (const text of ['a', 'a < 1', 'a <= 1', 'a = 1:1-2', 'a >= 1', 'a > 1']) expect(formatRelation(relation(text))).toBe(text);
  });

  it.each([
    ['=<', LESS | EQUAL],
    ['=>', GREATER | EQUAL],
    ['==', EQUAL],
    ['<>', undefined],
    ['!=', undefined],
    ['', undefined],
  ])('the sign "%s" means %s', (sign, expected) => {
    expect(parseSense(sign)).toBe(expected);
  });
});
