import { describe, expect, it } from 'vitest';
import { Batches } from '../src/batches.js';

/** Batches that end when they are told to, and what they hold. */
function works(limit: number) {
  const begun: (readonly number[])[] = [];
  const endings: ((error?: Error) => void)[] = [];
  const batches = new Batches(
    (items: readonly number[]) =>
      new Promise<readonly string[]>((resolve, reject) => {
        begun.push(items);
        endings.push((error) => (error === undefined ? resolve(items.map((item) => `done ${item}`)) : reject(error)));
      }),
    limit,
  );
  return { begun, add: (item: number) => batches.add(item), end: (number: number, error?: Error) => endings[number]?.(error) };
}

describe('batches', () => {
  it('take an item at once while fewer are under way than may, and then what came meanwhile', async () => {
    const { begun, add, end } = works(1);
    const results = [0, 1, 2, 3].map(add);
    expect(begun).toEqual([[0]]);
    end(0);
    expect(await results[0]).toBe('done 0');
    expect(begun).toEqual([[0], [1, 2, 3]]);
    const late = add(4);
    expect(begun).toHaveLength(2);
    end(1);
    expect(await Promise.all(results)).toEqual(['done 0', 'done 1', 'done 2', 'done 3']);
    expect(begun[2]).toEqual([4]);
    end(2);
    expect(await late).toBe('done 4');
  });

  it('leave to each other what waits', async () => {
    const { begun, add, end } = works(2);
    const results = [0, 1, 2, 3, 4].map(add);
    expect(begun).toEqual([[0], [1]]);
    end(1);
    await results[1];
    expect(begun).toEqual([[0], [1], [2, 3]]);
    end(0);
    await results[0];
    expect(begun).toEqual([[0], [1], [2, 3], [4]]);
    end(2);
    end(3);
    expect(await Promise.all(results)).toEqual(['done 0', 'done 1', 'done 2', 'done 3', 'done 4']);
  });

  it('fail as a whole, and let the next begin', async () => {
    const { begun, add, end } = works(1);
    const [first, second, third] = [0, 1, 2].map(add);
    end(0);
    await first;
    end(1, new Error('bad'));
    await expect(second).rejects.toThrow('bad');
    await expect(third).rejects.toThrow('bad');
    const fourth = add(3);
    expect(begun).toEqual([[0], [1, 2], [3]]);
    end(2);
    expect(await fourth).toBe('done 3');
  });
});
