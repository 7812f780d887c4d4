import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usesIn, type Uses } from '../src/uses.js';

const NOW = 1_790_000_000;
const LATEST = NOW + 86_400;

/** Enough lines that a text of them is looked up in place when it is in order. */
const MANY = 400;
const line = (seconds: number, kind: string, id: string): string => `${seconds} ${kind} ${id}\n`;
const id = (index: number): string => `${String(index).padStart(6, '0')}-${'x'.repeat(40)}`;
const sorted = (skip = 1): string =>
  ['blob', 'package', 'step'].flatMap((kind) => Array.from({ length: MANY }, (_none, at) => line(NOW - at, kind, id(at * skip)))).join('');
const read = (...texts: string[]): Uses => usesIn(texts, LATEST, NOW).uses;
const asMap = (uses: Uses): Map<string, number> => new Map(Array.from(uses.all(), ([kind, name, seconds]) => [`${kind} ${name}`, seconds]));

/** What every way of reading has to find: the latest use of each entry. */
function expected(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const one of text.split('\n').filter(Boolean)) {
    const [, seconds, entry] = /^(\d+) (.*)$/.exec(one) as unknown as [string, string, string];
    found.set(entry, Math.max(found.get(entry) ?? 0, Number(seconds)));
  }
  return found;
}

describe('last uses', () => {
  it('are the same in order and out of order, in whatever order they are asked for', () => {
    const text = sorted(2);
    const shuffled = text.split('\n').filter(Boolean).reverse().join('\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('blob', 'package', 'step', 'memo'), fc.nat(MANY * 2 + 2))), (asked) => {
        const [inPlace, apart] = [read(text), read(shuffled)];
        for (const [kind, at] of asked) expect(inPlace.get(kind)?.get(id(at))).toBe(apart.get(kind)?.get(id(at)));
      }),
    );
    expect(asMap(read(text))).toEqual(expected(text));
    expect(asMap(read(shuffled))).toEqual(expected(text));
  });

  it('are each found when all are asked for in turn, and nothing between them', () => {
    const ofKind = read(sorted(2)).get('package');
    for (let at = 0; at < MANY; at++) {
      expect(ofKind?.get(id(at * 2))).toBe(NOW - at);
      expect(ofKind?.get(id(at * 2 + 1))).toBeUndefined();
    }
    expect(ofKind?.get('')).toBeUndefined();
    expect(ofKind?.get('~')).toBeUndefined();
    expect(ofKind?.get(id(0).slice(0, -1))).toBeUndefined();
    expect(ofKind?.get(`${id(0)}x`)).toBeUndefined();
  });

  it('of several texts are the latest', () => {
    const uses = read(sorted(), line(NOW - 1000, 'package', id(3)) + line(NOW + 5, 'package', id(4)) + line(NOW, 'image', 'new'));
    expect([3, 4, 5].map((at) => uses.get('package')?.get(id(at)))).toEqual([NOW - 3, NOW + 5, NOW - 5]);
    expect(uses.get('image')?.get('new')).toBe(NOW);
    const all = Array.from(uses.all(), ([kind, name]) => `${kind} ${name}`);
    expect(all).toHaveLength(MANY * 3 + 1);
    expect(new Set(all).size).toBe(all.length);
    expect(asMap(uses).get(`package ${id(4)}`)).toBe(NOW + 5);
  });

  it.each([
    ['a line twice', (text: string) => text.replace(/^(.*\n)/, '$1$1')],
    ['lines out of order', (text: string) => text.replace(/^(.*\n)(.*\n)/, '$2$1')],
    ['kinds out of order', (text: string) => `${text}${line(NOW, 'image', 'one')}`],
    ['a kind whose name begins another', (text: string) => `${text}${line(NOW, 'steps', 'one')}${line(NOW, 'steps', 'two')}`],
    ['no new line at the end', (text: string) => text.slice(0, -1)],
  ])('are right with %s', (_what, change) => {
    const text = change(sorted());
    const uses = read(text);
    expect(asMap(uses)).toEqual(expected(text));
    for (const [entry, seconds] of expected(text)) {
      const [kind, name] = entry.split(' ') as [string, string];
      expect(uses.get(kind)?.get(name)).toBe(seconds);
    }
  });

  it.each([
    ['cut off in the middle', `${NOW} pack`],
    ['rubbish', '\u0000\u0001 \n no line\n'],
    ['no time', `soon package ${id(1)}\n`],
    ['no id', `${NOW} package \n`],
  ])('pass over a line that is %s', (_what, rubbish) => {
    expect(asMap(read(sorted() + rubbish))).toEqual(expected(sorted()));
    expect(asMap(read(rubbish))).toEqual(new Map());
  });

  it('in a time to come are now, which is told', () => {
    const text = sorted().replace(/^\d+/, String(LATEST + 1));
    const { uses, ahead } = usesIn([text], LATEST, NOW);
    expect(ahead).toBe(true);
    expect(uses.get('blob')?.get(id(0))).toBe(NOW);
    expect(usesIn([sorted()], LATEST, NOW).ahead).toBe(false);
  });
});
