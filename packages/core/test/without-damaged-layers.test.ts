import { expect, it } from 'vitest';
import { IctError, type ProblemReport } from '@ict/plugin-api';
import { withoutDamagedLayers } from '../src/without-damaged-layers.js';

const damaged = (layer: number): IctError =>
  new IctError('ICT_LAYER_DAMAGED', 'integrity', { message: `layer ${layer} changed`, facts: { layer } });

/** Work that fails with these one after the other, then succeeds. */
function work(...failures: readonly Error[]) {
  const left = [...failures];
  const told: string[] = [];
  const done = withoutDamagedLayers(
    async () => {
      const failure = left.shift();
      if (failure !== undefined) throw failure;
      return 'done';
    },
    (reports: readonly ProblemReport[]) => told.push(...reports.map(({ message }) => message)),
  );
  return { done, told };
}

it('starts over for every layer that was altered, however many these are, and tells each', async () => {
  const { done, told } = work(...Array.from({ length: 30 }, (_, layer) => damaged(layer)));
  expect(await done).toBe('done');
  expect(new Set(told).size).toBe(30);
});

it('gives up when one layer is found altered again and again', async () => {
  const { done, told } = work(...Array.from({ length: 30 }, () => damaged(1)));
  await expect(done).rejects.toMatchObject({ code: 'ICT_LAYER_DAMAGED' });
  expect(told).toHaveLength(8);
});

it('starts over silently for a layer that a remote cache did not give', async () => {
  const { done, told } = work(
    new IctError('ICT_LAYER_DAMAGED', 'integrity', { message: 'not given', facts: { layer: 1, withheld: true } }),
  );
  expect(await done).toBe('done');
  expect(told).toEqual([]);
});

it('leaves every other failure as it is', async () => {
  const failure = new Error('no luck');
  const { done, told } = work(failure);
  await expect(done).rejects.toBe(failure);
  expect(told).toEqual([]);
});
