import { describe, expect, it } from 'vitest';
import { Lessons } from '../src/lessons.js';

const lesson = (levels: number, from: readonly number[] = []) => ({ literals: [2], level: 0, levels, from });
const none = (): ReadonlySet<number> => new Set();

describe('Lessons', () => {
  it('forgets the half with the most levels, the oldest first, when it is time to', () => {
    const lessons = new Lessons(10);
    [5, 9, 5, 2, 5, 1].forEach((levels, i) => lessons.add(lesson(levels), 100 + i));
    expect(lessons.forget(9, none)).toBeUndefined();
    expect([...lessons.forget(10, none)!]).toEqual([101, 100]);
    expect(lessons.forget(2309, none)).toBeUndefined();
    expect([...lessons.forget(2310, none)!]).toEqual([102]);
  });

  it('keeps what a value follows from, and explains with what it forgot', () => {
    const lessons = new Lessons(0);
    lessons.add(lesson(8, [1, 2]), 50);
    lessons.add(lesson(7, [3]), 51);
    lessons.add(lesson(7, [4]), 52);
    expect([...lessons.forget(0, () => new Set([50]))!]).toEqual([51]);
    expect([lessons.from(0), lessons.from(1), lessons.size]).toEqual([[1, 2], [3], 3]);
  });
});
