import { expect, it } from 'vitest';
import { closeInOrder } from '../src/closing.js';

it('does every step in order, also after one that failed, and tells of the first that did', async () => {
  const done: string[] = [];
  const fail = (name: string) => async () => {
    done.push(name);
    throw new Error(name);
  };
  const steps = [() => done.push('first'), fail('sandbox'), async () => done.push('removed'), fail('last')];
  await expect(closeInOrder(steps)).rejects.toThrow('sandbox');
  expect(done).toEqual(['first', 'sandbox', 'removed', 'last']);
});

it('has nothing to tell when all went well', async () => {
  expect(await closeInOrder([() => undefined])).toBeUndefined();
});
