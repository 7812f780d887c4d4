import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCache, type Cache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type { EventBody } from '@ict/plugin-api';
import { enforceLimits } from '../src/storage-limits.js';

const PROVIDER = 'acme-acme1-x86_64';
const DAY = 86_400;
const content = (name: string): string => name.repeat(50_000);

let place: string;
let cache: Cache;
let now: number;
let events: EventBody[];
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-limits-'));
  now = 1000 * DAY;
  events = [];
  cache = await openCache({ cacheDir: join(place, 'cache'), clock: () => now });
});
afterEach(() => rm(place, { recursive: true }));

async function store(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = join(place, name);
    await writeFile(file, content(name));
    const pkg = { name, version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content(name)), sizeBytes: 50_000 };
    await cache.packages(PROVIDER).store({ ...pkg, fileName: `${name}.pkg` }, file);
  }
}

/** Lets the builds so far be over: what they used is no longer kept for them. */
async function endBuilds(): Promise<void> {
  const used = join(place, 'cache', '.ict', 'used');
  for (const day of await readdir(used)) {
    for (const log of await readdir(join(used, day))) await rename(join(used, day, log), join(used, day, `ended-${log}`));
  }
  cache = await openCache({ cacheDir: join(place, 'cache'), clock: () => now });
}

async function enforce(maxSizeBytes: number, signal = new AbortController().signal): Promise<readonly string[]> {
  const packageCache = { enabled: true, maxSizeBytes, retentionDays: 30, twins: true };
  const storage = { packageCache, imageCache: { enabled: true, maxCount: 5 } };
  await enforceLimits(cache, { storage, signal }, (event) => events.push(event));
  return (await readdir(join(place, 'cache', 'pkgCache', PROVIDER))).sort();
}

it('after a build, packages that no build used for long go, and it says how many', async () => {
  await store('a');
  await endBuilds();
  now += 40 * DAY;
  await store('b');
  expect(await enforce(1e9)).toEqual(['b.pkg']);
  expect(events).toMatchObject([{ type: 'cache.collected', entries: 1 }]);
});

it('beyond the size, those of earlier builds go, and nothing else is said', async () => {
  await store('a');
  await endBuilds();
  now += DAY;
  await store('b');
  expect(await enforce(80_000)).toEqual(['b.pkg']);
  expect(events.map(({ type }) => type)).toEqual(['cache.collected']);
});

it('packages of running builds stay, and a limit that is too small for them is told', async () => {
  await store('a', 'b');
  expect(await enforce(80_000)).toEqual(['a.pkg', 'b.pkg']);
  expect(events).toMatchObject([{ type: 'warning', code: 'ICT_CACHE_LIMIT_SMALL' }]);
});

it('a package that cannot be looked at does not keep a limit that is too small from being told', async () => {
  await store('a', 'b');
  const entries: Cache['entries'] = async (kinds, unseen) => {
    if (unseen === undefined) throw new Error('unread');
    unseen(join(place, 'cache', 'pkgCache', PROVIDER, 'c.pkg'), new Error('EIO'));
    return cache.entries(kinds);
  };
  const packageCache = { enabled: true, maxSizeBytes: 80_000, retentionDays: 30, twins: true };
  const storage = { packageCache, imageCache: { enabled: true, maxCount: 5 } };
  const { signal } = new AbortController();
  const partly = { collect: (...given: Parameters<Cache['collect']>) => cache.collect(...given), entries };
  await enforceLimits(partly, { storage, signal }, (event) => events.push(event));
  expect(events).toMatchObject([{ type: 'warning', code: 'ICT_CACHE_LIMIT_SMALL' }]);
});

it.each([
  ['EIO', 'EIO', 1],
  ['EACCES', 'EACCES', 0],
  ['EACCES', 'EIO', 1],
])(
  'what a collection could not look at, and left where it is, is told once, but not what is another user\u2019s (%s, %s)',
  async (first, second, told) => {
    await store('a');
    const packages = join(place, 'cache', 'pkgCache');
    const unread = [
      { path: join(packages, 'other'), reason: first },
      { path: join(packages, 'third'), reason: second },
    ];
    const partly = {
      collect: async (...given: Parameters<Cache['collect']>) => ({ ...(await cache.collect(...given)), unread }),
      entries: async () => [],
    };
    const storage = {
      packageCache: { enabled: true, maxSizeBytes: 1e9, retentionDays: 30, twins: true },
      imageCache: { enabled: true, maxCount: 5 },
    };
    await enforceLimits(partly, { storage, signal: new AbortController().signal }, (event) => events.push(event));
    const shown = unread.filter(({ reason }) => reason === 'EIO');
    expect(events).toHaveLength(told);
    for (const { message, code } of events as unknown as { message: string; code: string }[]) {
      expect(code).toBe('ICT_CACHE_UNREADABLE');
      expect(message).toBe(`${shown[0]!.path} cannot be read: EIO${shown.length === 2 ? '; nor can 1 more' : ''}`);
    }
  },
);

it('a cache that cannot be collected is a warning, an abort is none', async () => {
  const failing = { collect: () => Promise.reject(new Error('no luck')), entries: async () => [] };
  const storage = {
    packageCache: { enabled: true, maxSizeBytes: 1, retentionDays: 1, twins: true },
    imageCache: { enabled: true, maxCount: 1 },
  };
  const { signal } = new AbortController();
  await enforceLimits(failing, { storage, signal }, (event) => events.push(event));
  expect(events).toMatchObject([{ type: 'warning', message: expect.stringContaining('no luck') as unknown }]);
  await expect(enforceLimits(failing, { storage, signal: AbortSignal.abort(new Error('stop')) }, () => undefined)).rejects.toThrow('stop');
});
