import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endProcesses, makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

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

const STRANGER = 'ffffffff-ffffffff-1-1';
const DAY = 86_400;

/** What a process of another machine wrote, dated so many days after now. */
function leaveOfStranger(days: number): void {
  const when = Date.now() / 1000 + days * DAY;
  const [temporary, day] = [join(rig.cacheDir, '.ict/tmp', STRANGER), join(rig.cacheDir, '.ict/used/2030-01-01')];
  mkdirSync(temporary);
  mkdirSync(day);
  const log = join(day, `${STRANGER}.log`);
  writeFileSync(log, `${Math.floor(NOW)} package ${provider}/a_1.0-1_amd64.deb\n`);
  for (const path of [temporary, log]) utimesSync(path, when, when);
}

it.each([
  ['a year ahead of the file server has ended', 365, [STRANGER], 1],
  ['hours ahead of it may go on', 0.2, [], 0],
])('a process of another machine that wrote %s', async (_what, days, gone, collected) => {
  rig.time = Date.now() / 1000 - YEAR; // whatever this machine thinks
  const cache = await rig.open();
  await (await rig.open()).packages(provider).store(packageOf('a', 'content'), rig.file('content'));
  endProcesses(rig);
  leaveOfStranger(days);
  const before = rig.list('.ict/tmp');
  await cache.reap();
  expect(before.filter((name) => !rig.list('.ict/tmp').includes(name))).toEqual(gone);
  expect((await cache.clean(() => true)).removed.filter(({ kind }) => kind === 'package')).toHaveLength(collected);
});

it('what was used in a time to come ages from now on', async () => {
  rig.time = NOW + YEAR;
  await (await rig.open()).packages(provider).store(packageOf('a', 'content'), rig.file('content'));
  endProcesses(rig);
  rig.time = NOW;
  const cache = await rig.open();
  const [entry] = await cache.entries(['package']);
  expect(entry?.usedAt).toBe(NOW);
  expect((await cache.collect({ packageDays: 30 })).removed).toEqual([]);
  rig.time = NOW + 31 * DAY;
  expect((await (await rig.open()).collect({ packageDays: 30 })).removed).toHaveLength(1);
});
