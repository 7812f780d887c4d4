import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLocks } from '../src/lease.js';
import { currentOwner, isProcessOwner, livenessOf, placeOf, type ProcessOwner } from '../src/process-owner.js';
import { childScript, makeCacheRig, startChild, type CacheRig } from './cache-rig.js';

/** What another process does right before a lease is taken away; whether the next link is made twice, as over a network that lost the first answer. */
const meanwhile = vi.hoisted(() => ({ run: () => {}, linkTwice: false }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  const rename: typeof real.rename = (from, to) => {
    meanwhile.run();
    return real.rename(from, to);
  };
  const link: typeof real.link = async (from, to) => {
    const { linkTwice } = meanwhile;
    meanwhile.linkTwice = false;
    await real.link(from, to);
    if (linkTwice) await real.link(from, to);
  };
  return { ...real, rename, link };
});

const NOBODY = 65_534;

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => {
  meanwhile.run = () => {};
  return rig.close();
});

const leases = { pollMs: 1 };
const file = (): string => join(rig.cacheDir, '.ict/locks/work.lock');
const put = (owner: string): void => writeFileSync(file(), JSON.stringify({ owner, token: 'theirs' }));

describe('withLock', () => {
  it('gives the result or the failure of the work, and leaves nothing behind', async () => {
    const cache = await rig.open({ leases });
    expect(
      await cache.withLock('work', () => {
        expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ owner: currentOwner() });
        return Promise.resolve(7);
      }),
    ).toBe(7);
    const failure = new Error('no');
    await expect(cache.withLock('work', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(rig.list('.ict/locks')).toEqual([]);
  });

  it('lets one at a time work, in one process', async () => {
    const cache = await rig.open({ leases });
    let running = 0;
    const waited: ProcessOwner[] = [];
    const work = async (): Promise<void> => {
      expect((running += 1)).toBe(1);
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      running -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => cache.withLock('work', work, { onWait: (holder) => waited.push(holder) })));
    expect(waited.length).toBeGreaterThan(0);
    expect(new Set(waited)).toEqual(new Set([currentOwner()]));
    await cache.withLock('work', () => cache.withLock('other', () => Promise.resolve()));
  });

  it('does not wait for itself when the answer that it has the lock was lost', async () => {
    const cache = await rig.open({ leases });
    const waiting = new AbortController();
    meanwhile.linkTwice = true;
    const options = { signal: waiting.signal, onWait: () => waiting.abort(new Error('it waits')) };
    expect(await cache.withLock('work', async () => 7, options)).toBe(7);
    expect(rig.list('.ict/locks')).toEqual([]);
  });

  it('lets one at a time work, in many processes', async () => {
    const counter = rig.file('0');
    await rig.open();
    const script = childScript(
      rig.cacheDir,
      `const cache = await openCache({ cacheDir, clock: () => 1, leases: { pollMs: 1 } });
       for (let index = 0; index < 40; index += 1) {
         await cache.withLock('work', async () => {
           const value = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
           await new Promise(setImmediate);
           writeFileSync(${JSON.stringify(counter)}, String(value + 1));
         });
       }`,
    );
    const codes = await Promise.all([1, 2, 3].map(() => new Promise((resolve) => startChild(script).on('exit', resolve))));
    expect(codes).toEqual([0, 0, 0]);
    expect(readFileSync(counter, 'utf8')).toBe('120');
  });

  it('takes over at once from a killed holder', async () => {
    const cache = await rig.open({ leases: { pollMs: 1 } });
    const child = startChild(
      childScript(
        rig.cacheDir,
        `await (await open()).withLock('work', () => { console.log('held'); return new Promise((resolve) => setTimeout(resolve, 1e8)); });`,
      ),
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const ended = new Promise((resolve) => child.on('exit', resolve));
    let told = false;
    const taken = cache.withLock('work', () => Promise.resolve('mine'), {
      onWait: () => {
        told = true;
        child.kill('SIGKILL');
      },
    });
    await ended;
    expect(await taken).toBe('mine');
    expect(told).toBe(true);
    await cache.reap();
    expect(rig.list('.ict/locks')).toEqual([]);
  });

  it('stops waiting with the signal', async () => {
    const cache = await rig.open({ leases });
    const controller = new AbortController();
    const reason = new Error('enough');
    await cache.withLock('work', async () => {
      const waiting = cache.withLock('work', () => Promise.resolve(), {
        signal: controller.signal,
        onWait: () => controller.abort(reason),
      });
      await expect(waiting).rejects.toBe(reason);
    });
    await expect(cache.withLock('work', () => Promise.resolve(), { signal: controller.signal })).rejects.toBe(reason);
    expect(rig.list('.ict/locks')).toEqual([]);
  });

  it('respects another machine until it gives no sign of life', async () => {
    const cache = await rig.open({ leases: { pollMs: 1, staleMs: 60_000 } });
    put('ffffffff-ffffffff-1-1');
    const waiting: string[] = [];
    const work = cache.withLock('work', () => Promise.resolve('mine'), {
      onWait: (holder) => {
        waiting.push(holder);
        utimesSync(file(), new Date(0), new Date(0));
      },
    });
    expect(await work).toBe('mine');
    expect(waiting).toEqual(['ffffffff-ffffffff-1-1']);
  });

  it('does not respect another machine for ever whose lease is dated in a time to come', async () => {
    const cache = await rig.open({ leases: { pollMs: 1, staleMs: 20 } });
    put('ffffffff-ffffffff-1-1');
    utimesSync(file(), 4_000_000_000, 4_000_000_000);
    expect(await cache.withLock('work', () => Promise.resolve('mine'))).toBe('mine');
  });

  it('gives back what another user took meanwhile in the place of a void lease', async () => {
    const directory = join(rig.root, 'shared');
    mkdirSync(directory);
    for (const path of [rig.root, directory]) chmodSync(path, 0o777);
    const [lock, theirs] = [join(directory, 'work.lock'), join(directory, 'theirs')];
    writeFileSync(lock, 'rubbish');
    utimesSync(lock, new Date(0), new Date(0));
    writeFileSync(theirs, JSON.stringify({ owner: 'ffffffff-ffffffff-1-1', token: 'theirs' }));
    meanwhile.run = () => {
      if (existsSync(theirs)) renameSync(theirs, lock);
    };
    const controller = new AbortController();
    const reason = new Error('enough');
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      const waiting = createLocks(directory, currentOwner(), { pollMs: 1 }).withLock('work', () => Promise.resolve(), {
        signal: controller.signal,
        onWait: () => controller.abort(reason),
      });
      await expect(waiting).rejects.toBe(reason);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ token: 'theirs' });
    expect(readdirSync(directory)).toEqual(['work.lock']);
  });

  it('an unreadable lease is void only when it is old', async () => {
    const cache = await rig.open({ leases });
    writeFileSync(file(), 'rubbish');
    await expect(cache.withLock('work', () => Promise.resolve(), { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    utimesSync(file(), new Date(0), new Date(0));
    expect(await cache.withLock('work', () => Promise.resolve(1))).toBe(1);
  });

  it('gives signs of life and does not remove a lease that is not its own', async () => {
    const cache = await rig.open({ leases: { heartbeatMs: 1 } });
    await cache.withLock('work', async () => {
      utimesSync(file(), new Date(0), new Date(0));
      const { statSync } = await import('node:fs');
      while (statSync(file()).mtimeMs === 0) await new Promise(setImmediate);
      expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ owner: currentOwner() });
      const { rm } = await import('node:fs/promises');
      await rm(file());
      put(currentOwner());
    });
    expect(existsSync(file())).toBe(true);
  });
});

describe('process owners', () => {
  const parts = (): string[] => currentOwner().split('-');
  const withPart = (index: number, value: string): ProcessOwner => parts().with(index, value).join('-') as ProcessOwner;

  it('say which process they are, and whether it is one of this machine', () => {
    expect(placeOf(currentOwner())).toEqual({ pid: process.pid, isHere: true });
    expect(placeOf('ffffffff-ffffffff-17-1' as ProcessOwner)).toEqual({ pid: 17, isHere: false });
  });

  it('name this process', () => {
    expect(isProcessOwner(currentOwner())).toBe(true);
    expect(parts()[2]).toBe(String(process.pid));
    expect(livenessOf(currentOwner())).toBe('alive');
  });

  it.each([
    ['another host', 0, 'ffffffff', 'unknown'],
    ['an earlier boot', 1, 'ffffffff', 'dead'],
    ['a pid that nobody has', 2, '4194305', 'dead'],
    ['a pid that was reused', 3, '1', 'dead'],
  ])('%s', (_name, index, value, expected) => {
    expect(livenessOf(withPart(index, value))).toBe(expected);
  });

  it.each(['', 'x', '../../etc-1-2-3', 'ffffffff-ffffffff-0-1', 'ffffffff-ffffffff-1-'])('%j is none', (text) => {
    expect(isProcessOwner(text)).toBe(false);
  });
});
