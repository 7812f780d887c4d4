import { expect, it } from 'vitest';
import { dataChunks, LARGEST_EXTENT } from '../src/btrfs/chunks.js';
import { cutExtents } from '../src/cut-extents.js';
import { MIB } from './support/specs.js';

const sectors = (mib: number): number => (mib * MIB) / 4096;

it('cuts at the ends of chunks of a btrfs, and what is longer than the kernel makes it', () => {
  const chunks = dataChunks(2000 * MIB);
  expect(chunks.map(({ start, end }) => [start / MIB, end / MIB])).toEqual([
    [9, 1033],
    [1033, 2000],
  ]);
  const borders = chunks.map(({ end }) => sectors(end / MIB));
  expect(cutExtents([{ first: 3, at: sectors(1000), count: sectors(200) }], LARGEST_EXTENT, borders)).toEqual([
    { first: 3, at: sectors(1000), count: sectors(33) },
    { first: 3 + sectors(33), at: sectors(1033), count: sectors(128) },
    { first: 3 + sectors(161), at: sectors(1161), count: sectors(39) },
  ]);
});

it('leaves what is short enough, and cuts the rest by its length alone where there are no borders', () => {
  const short = { first: 0, at: 5, count: 10 };
  expect(cutExtents([short, { first: 10, at: 100, count: 21 }], 10)).toEqual([
    short,
    { first: 10, at: 100, count: 10 },
    { first: 20, at: 110, count: 10 },
    { first: 30, at: 120, count: 1 },
  ]);
});
