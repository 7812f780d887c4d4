import { describe, expect, it } from 'vitest';
import { NumberColumn } from '../src/number-column.js';

describe('NumberColumn', () => {
  it('takes any number of numbers, and forgets them', () => {
    const column = new NumberColumn(1);
    const numbers = Array.from({ length: 1000 }, (_, i) => (i * 2_654_435_761) % 2 ** 32);
    for (const number of numbers) column.push(number);
    expect([...column.numbers]).toEqual(numbers);
    expect([column.length, column.at(999)]).toEqual([1000, numbers[999]]);
    column.cut(2);
    column.push(7);
    expect([...column.numbers]).toEqual([...numbers.slice(0, 2), 7]);
    column.cut(0);
    expect([column.length, [...column.numbers]]).toEqual([0, []]);
  });
});
