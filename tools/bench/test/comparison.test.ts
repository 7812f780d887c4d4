import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { alternate, summarise } from '../src/alternation.js';
import { renderComparison } from '../src/report.js';

describe('alternate', () => {
  it('runs contenders in turn, each prepared before it runs', async () => {
    const log: string[] = [];
    const contender = (name: string) => ({
      name,
      command: { argv: ['true'] },
      prepare: async () => void log.push(`prepare ${name}`),
    });
    const results = await alternate([contender('a'), contender('b')], 2, (name) => log.push(`ran ${name}`));
    const round = ['prepare a', 'ran a', 'prepare b', 'ran b'];
    expect(log).toEqual([...round, ...round]);
    expect(results.map(({ name, runs }) => [name, runs.length])).toEqual([
      ['a', 2],
      ['b', 2],
    ]);
  });
});

describe('summarise', () => {
  it.each([
    [[3, 1, 2], 1, 2],
    [[4, 1, 2, 3], 1, 2.5],
    [[5], 5, 5],
  ])('%j has the least %d and the median %d', (values, min, median) => {
    expect(summarise(values)).toEqual({ min, median });
  });

  it('does not depend on the order, and lies between least and greatest', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
        const { min, median } = summarise(values);
        expect(summarise(values.toReversed())).toEqual({ min, median });
        expect([min === Math.min(...values), median >= min, median <= Math.max(...values)]).toEqual([true, true, true]);
      }),
    );
  });

  it('needs a value', () => {
    expect(() => summarise([])).toThrow('nothing to summarise');
  });
});

describe('renderComparison', () => {
  it('divides by the last row', () => {
    const run = (cpuSeconds: number, wallSeconds: number) => ({ cpuSeconds, wallSeconds });
    const text = renderComparison({
      title: 'A against B',
      results: [
        { name: 'A', runs: [run(1, 2), run(3, 4)] },
        { name: 'B', runs: [run(4, 0)] },
      ],
    });
    expect(text).toContain('| A | 2 | 1.00 | 2.00 | 2.00 | 3.00 | 0.50 | - |');
    expect(text).toContain('| B | 1 | 4.00 | 4.00 | 0.00 | 0.00 | 1.00 | - |');
  });
});
