import { describe, expect, it } from 'vitest';
import { Search } from '../src/search.js';
import { pigeonhole } from './pigeons.js';

/** @param lessons conflicts until lessons are forgotten for the first time. */
const search = (lessons: number) => new Search(pigeonhole(8, 7), { preferences: 16, restart: 8, lessons }).run();

describe('lessons that are forgotten', () => {
  it('are those with the most levels, the oldest first, so that the way to the end is another one, and always the same', () => {
    const { statistics } = search(100);
    expect(statistics).toEqual({ solvables: 56, clauses: 400, decisions: 6397, conflicts: 3959, restarts: 141 });
    expect(search(Infinity).statistics).toEqual({ ...statistics, decisions: 5895, conflicts: 3615, restarts: 126 });
  });

  it('stay part of an explanation', () => {
    const outcome = search(100);
    if (outcome.kind !== 'unsolvable') throw new Error(`the outcome is ${outcome.kind}`);
    expect([...new Set(outcome.core.map(({ reason }) => reason))].sort()).toEqual([
      ...Array.from({ length: 7 }, (_, hole) => `hole ${hole}`),
      ...Array.from({ length: 8 }, (_, pigeon) => `pigeon ${pigeon}`),
    ]);
  });
});
