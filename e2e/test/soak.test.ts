import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Mini, soak } from '../src/index.js';

const SEED = 5;
const MOMENTS = 8;

let mini: Mini;
beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'soak');
});
afterAll(() => mini.close());

it('kill -9 at random moments over builds, collections and cleans loses nothing and leaves nothing (longer: `npm run soak`)', async () => {
  const { struck, checks } = await soak(mini, { seed: SEED, moments: MOMENTS, checkEvery: MOMENTS });
  expect(checks).toBe(1);
  expect(struck).toBeGreaterThan(MOMENTS / 2);
});
