import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

const YEAR = 365 * 86_400;
const NOW = 1_700_000_000;

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
  rig.time = NOW;
});
afterEach(() => rig.close());

it.each([
  ['backwards by a year', NOW - YEAR],
  ['backwards to the beginning', 0],
  ['forwards by a week', NOW + 7 * 86_400],
])('a clock that moved %s finds everything, of every kind', async (_what, then) => {
  const before = await rig.open();
  const pkg = packageOf('a', 'content');
  await before.packages(provider).store(pkg, rig.file('content'));
  const blob = await before.blobs.putBytes(Buffer.from('blob'));
  await before.steps.put('acme.make', { a: 1 }, { blob: { kind: 'blob', digest: blob.digest } }, 'ict');
  await before.memo.set('acme', { a: 1 }, 'answer');
  const source = (await before.blobs.path(blob.digest)) as string;
  await before.images.put({ a: 1 }, { artifacts: [{ name: 'a.raw', type: 'raw', ...blob, source }], documents: new Map() }, 'ict');

  rig.time = then;
  rig.hashed.length = 0;
  const after = await rig.open();
  expect(await after.packages(provider).lookup(pkg)).toMatchObject({ state: 'hit', check: 'signature' });
  expect(await after.blobs.path(blob.digest)).toBe(source);
  expect((await after.steps.get('acme.make', { a: 1 }))?.output).toEqual({ blob: { kind: 'blob', digest: blob.digest } });
  expect(await after.memo.get('acme', { a: 1 })).toBe('answer');
  expect((await after.images.find({ a: 1 })).image?.files.map(({ digest }) => digest)).toEqual([digestOf('blob')]);
  expect(rig.hashed).toEqual([]);
  expect((await after.verify()).findings).toEqual([]);
  expect((await after.collect({ packageDays: 30, unusedDays: 30 })).removed).toEqual([]);
  expect(await after.withLock('any', async () => 'held')).toBe('held');
});
