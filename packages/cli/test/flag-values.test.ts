import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlagError, parseCount, parseMirror, parseMirrors, parseText, parseTexts, parseWorkers } from '../src/flag-values.js';

/** Whether a value is refused. */
function refuses(work: () => unknown): boolean {
  try {
    work();
  } catch (error) {
    if (error instanceof FlagError) return true;
    throw error;
  }
  return false;
}

describe('parseText', () => {
  it.each([
    ['empty', ''],
    ['NUL', 'a\u0000b'],
    ['new line', 'a\nb'],
    ['escape', '\u001b[2J'],
    ['delete', 'a\u007f'],
    ['C1 control', 'a\u009b'],
    ['lone surrogate', 'a\ud800'],
    ['bytes that were not UTF-8', 'a\ufffd'],
    ['4097 bytes', 'a'.repeat(4097)],
    ['4097 bytes in 1366 characters', '€'.repeat(1366)],
  ])('refuses %s', (_name, value) => {
    expect(refuses(() => parseText('--lock')(value))).toBe(true);
  });

  it.each([['a'], ['/tmp/with space'], ['ünïcode/日本'], ['-'], ['a'.repeat(4096)]])('takes %s', (value) => {
    expect(parseText('--lock')(value)).toBe(value);
  });

  it('returns what it takes, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        let parsed: string | undefined;
        if (!refuses(() => (parsed = parseText('--lock')(value)))) expect(parsed).toBe(value);
      }),
    );
  });

  it('gathers repeated flags', () => {
    expect(parseTexts('--distro-file')('b', ['a'])).toEqual(['a', 'b']);
  });
});

it('parseCount proposes no number, which would be beyond the limits of some flag', () => {
  expect(() => parseCount('--memory', 64, 1024)('16')).toThrow(
    expect.objectContaining({ hint: expect.not.stringMatching(/\d/) as string }),
  );
});

describe('parseWorkers', () => {
  it.each(['0', '-1', '65', '1.5', '', 'many', '0x10', ' 4', '1e1', '99999999999'])('refuses %s', (value) => {
    expect(refuses(() => parseWorkers(value))).toBe(true);
  });

  it.each([
    ['1', 1],
    ['64', 64],
    ['08', 8],
  ])('reads %s', (value, expected) => {
    expect(parseWorkers(value)).toBe(expected);
  });
});

describe('parseMirror', () => {
  it.each([
    ['http://ftp.debian.org/debian=http://mirror.example/debian/', 'http://ftp.debian.org/debian', 'http://mirror.example/debian'],
    ['https://a.example/x=y=file:///srv/mirror', 'https://a.example/x=y', 'file:///srv/mirror'],
  ])('reads %s', (value, archive, url) => {
    expect(parseMirror(value)).toEqual({ archive, url });
  });

  it.each([
    'http://a.example',
    'a=b',
    'http://a.example=ftp://b.example',
    'http://a.example=http://b.example?x=1',
    'http://a=http://b=http://c',
  ])('refuses %s', (value) => {
    expect(refuses(() => parseMirror(value))).toBe(true);
  });

  it('gathers repeated flags', () => {
    const one = parseMirrors('http://a.example=http://b.example', undefined);
    expect(parseMirrors('http://c.example=http://d.example', one)).toHaveLength(2);
  });
});
