import type { Seed } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { findRepairs, tellOmission, tellRepairs, type OtherRequest } from '../src/repairs.js';

const seed = (text: string): Seed => {
  const [request = '', reason = 'template', byDefault] = text.split(' ');
  return { request, reason, ...(byDefault === undefined ? {} : { byDefault: true }) };
};
const instead = (request: string, of: string): OtherRequest => ({ request, replaces: (each) => each.request === of });

/** Asks for repairs where only these sets of requests can be resolved, each into as many packages as it says. */
function repairs(
  working: Readonly<Record<string, number>>,
  involved: readonly string[],
  {
    others = [],
    requests = [],
    additions = [],
    tried = [],
  }: { others?: readonly string[]; requests?: readonly OtherRequest[]; additions?: readonly string[]; tried?: readonly string[] } = {},
): readonly string[] {
  const trial = (seeds: readonly Seed[]) =>
    working[
      seeds
        .map(({ request }) => request)
        .sort()
        .join(' ')
    ];
  const known = new Map([...involved, ...others].map((text) => [text, seed(text)]));
  const seedsOf = (texts: readonly string[]): readonly Seed[] => texts.map((text) => known.get(text)!);
  return findRepairs(requests, { involved: seedsOf(involved), others: seedsOf(others) }, trial, additions, tried);
}

describe('findRepairs', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['leaves out that with which more packages stay first', repairs({ a: 1, b: 5 }, ['a', 'b']), ['leave out "a"', 'leave out "b"']],
    ['never leaves out what the base system needs', repairs({ a: 1, bash: 5 }, ['a', 'bash essential']), ['leave out "a"']],
    ['never leaves out what why-not asks about', repairs({ a: 1, b: 5 }, ['a', 'b why-not']), ['leave out "a"']],
    ['nor what writes the image', repairs({ a: 1 }, ['mtools tools', 'a']), ['use repositories that belong together']],
    ['speaks of a disk that grows as the user does', repairs({ a: 1 }, ['a', 'fdisk growth']), ['let the last partition keep its size']],
    ['and of an immutable image', repairs({ a: 1 }, ['a', 'cryptsetup-bin immutability']), ['make the image without immutability']],
    ['speaks of the boot loader as the user does', repairs({ a: 1 }, ['a', 'grub bootloader']), ['choose another boot loader']],
    [
      'puts another request before, and names what it replaces, also when that takes no part',
      repairs({ 'a=2 c': 2, 'a=1': 1 }, ['c'], { others: ['a=1'], requests: [instead('a=2', 'a=1'), instead('a=3', 'a=1')] }),
      ['ask for "a=2" instead of "a=1"', 'leave out "c"'],
    ],
    [
      'tells last that a definition may do without what it asks for',
      repairs({ a: 1, b: 5 }, ['a', 'b template default'], { additions: ['x'] }),
      ['leave out "a"', 'use a definition of the distribution that does not ask for "b"', 'x'],
    ],
    [
      'tells a request more from one that takes the place of what is no wish',
      repairs({ 'a b=2': 2, 'a c=2': 2 }, ['a', 'c why-not'], { requests: [instead('b=2', 'b'), instead('c=2', 'c')] }),
      ['ask for "c=2"'],
    ],
    ['says so of a request more', repairs({ 'a b=2': 2 }, ['a'], { requests: [instead('b=2', 'b')] }), ['ask for "b=2" as well']],
    [
      'tries a wish for several packages once',
      repairs({ '* a': 2 }, ['a', 'b'], { others: Array<string>(3).fill('*') }),
      ['leave out "b"'],
    ],
    ['tries it without the others when nothing works with them', repairs({ b: 1 }, ['a', 'b'], { others: ['x'] }), ['leave out "a"']],
    [
      'begins with what was tried elsewhere',
      repairs({ b: 1 }, ['a', 'b'], { tried: ['w'], additions: ['x', 'y'] }),
      ['w', 'leave out "a"', 'x'],
    ],
    [
      'ends with what cannot be tried, each once',
      repairs({ b: 1 }, ['a', 'b'], { additions: ['x', 'x', 'y', 'z'] }),
      ['leave out "a"', 'x', 'y'],
    ],
  ])('%s', (_what, found, expected) => {
    expect(found).toEqual(expected);
  });
});

it('tells repairs in one sentence', () => {
  expect(tellRepairs(['ask for "b=1"', 'leave out "a"'])).toBe('Ask for "b=1", or leave out "a".');
});

it.each([
  ['a', 'leave out "a"'],
  ['a kernel', 'leave out "a"'],
  ['a essential', undefined],
  ['a template default', undefined],
  ['a kernel default', 'choose another kernel'],
])('of %s: %s', (text, expected) => {
  expect(tellOmission(seed(text))).toBe(expected);
});
