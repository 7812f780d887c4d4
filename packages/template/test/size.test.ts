import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSize, parseSize } from '../src/sections/size.js';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1K', 1024],
    ['1KB', 1024],
    ['1KiB', 1024],
    ['513MiB', 513 * 2 ** 20],
    ['4096 MiB', 4 * 2 ** 30],
    ['4GiB', 4 * 2 ** 30],
    ['4GB', 4 * 2 ** 30],
    ['4G', 4 * 2 ** 30],
    ['1TiB', 2 ** 40],
  ])('%j is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '4', '-4G', '1.5GiB', '4gib', '4  GiB', ' 4GiB', '4GiB ', '04GiB', '4XB', '4iB', '9999999999999999TiB', '4GiB\n'])(
    'refuses %j',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it('reads what formatSize writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (kib) => {
        expect(parseSize(formatSize(kib * 1024))).toBe(kib * 1024);
      }),
    );
  });
});

it('names bytes that no unit divides', () => {
  expect(formatSize(513)).toBe('513 bytes');
});
