import { describe, expect, it } from 'vitest';
import { Turns } from '../src/turns.js';

/** Works that end when they are told to, and how many of them run. */
function works(turns: Turns) {
  const begun: number[] = [];
  const endings: ((error?: Error) => void)[] = [];
  const start = (number: number) =>
    turns.run(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(number);
          endings[number] = (error) => (error === undefined ? resolve(number) : reject(error));
        }),
    );
  return { begun, start, end: (number: number, error?: Error) => endings[number]?.(error) };
}

describe('works that take turns', () => {
  it('begin in their order, no more at a time than may, and answer with what is theirs', async () => {
    const { begun, start, end } = works(new Turns(2));
    const results = [0, 1, 2, 3].map(start);
    expect(begun).toEqual([0, 1]);
    end(1);
    await results[1];
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    end(0);
    end(2);
    await Promise.all([results[0], results[2]]);
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2, 3]);
    end(3);
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3]);
  });

  it('let the next begin when one fails', async () => {
    const { begun, start, end } = works(new Turns(1));
    const [first, second] = [start(0), start(1)];
    end(0, new Error('bad'));
    await expect(first).rejects.toThrow('bad');
    expect(begun).toEqual([0, 1]);
    end(1);
    expect(await second).toBe(1);
    const third = start(2);
    expect(begun).toEqual([0, 1, 2]);
    end(2);
    await third;
  });
});
