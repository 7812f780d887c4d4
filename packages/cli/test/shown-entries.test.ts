import type { CacheEntry } from '@ict/cache';
import { eachEntry } from '@ict/cache';
import { expect, it } from 'vitest';
import { joined, lastUsedFirst, listOf, replaced } from '../src/views/shown-entries.js';

const entry = (id: string, usedAt: number): CacheEntry => ({
  kind: 'blob',
  id,
  name: id,
  path: `/cache/${id}`,
  allocatedBytes: 4096,
  usedAt,
});
const ids = (list: ReturnType<typeof listOf>): string[] => Array.from(eachEntry(list), ({ id }) => id);

it('shows what was used last first, and what was used together as it came, over several lists', () => {
  const lists = [listOf([]), listOf([entry('a', 5), entry('b', 9)]), listOf([entry('c', 5), entry('d', 7)])];
  const shown = lastUsedFirst(joined(lists));
  expect(ids(shown)).toEqual(['b', 'd', 'a', 'c']);
  expect([shown.usedAt(1), shown.kindAt(1)]).toEqual([7, 'blob']);
  expect(ids(joined([]))).toEqual([]);
});

it('shows some entries otherwise', () => {
  expect(ids(replaced(listOf([entry('a', 1), entry('b', 1)]), new Map([[1, entry('other', 1)]])))).toEqual(['a', 'other']);
});
