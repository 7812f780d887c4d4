import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache, type Cache, type MountSharing } from '../src/index.js';

let cacheDir: string;
let cache: Cache;
const { signal } = new AbortController();
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'ict-mounts-'));
  cache = await openCache({ cacheDir, clock: () => 0, leases: { pollMs: 1 } });
});
afterEach(() => rm(cacheDir, { recursive: true }));

/** Two uses of one id, the second asked for while the first holds it. @returns what happened, in order. */
async function twice(sharing: MountSharing): Promise<readonly string[]> {
  const happened: string[] = [];
  let second: Promise<void> | undefined;
  const use = (name: string, between: () => Promise<void>) => async (directory: string) => {
    happened.push(`${name} has ${basename(directory)}`);
    await between();
    happened.push(`${name} ends`);
  };
  await cache.withMount(
    'pip',
    sharing,
    use('first', async () => {
      const entered = new Promise<void>((resolve) => {
        second = cache.withMount(
          'pip',
          sharing,
          use('second', async () => resolve()),
          signal,
        );
      });
      if (sharing !== 'locked') await entered;
    }),
    signal,
  );
  await second;
  return happened;
}

describe('a directory that outlives builds', () => {
  it.each<[MountSharing, readonly string[]]>([
    ['shared', ['first has pip', 'second has pip']],
    ['locked', ['first has pip', 'first ends', 'second has pip', 'second ends']],
    ['private', ['first has pip', 'second has pip,1']],
  ])('is %s', async (sharing, expected) => {
    expect((await twice(sharing)).slice(0, expected.length)).toEqual(expected);
  });

  it('keeps what was put there', async () => {
    await cache.withMount('pip', 'private', (directory) => writeFile(join(directory, 'wheel'), ''), signal);
    expect(await cache.withMount('pip', 'locked', (directory) => readdir(directory), signal)).toEqual(['wheel']);
  });

  it('gives the error of the work, and the lock back', async () => {
    const failing = cache.withMount('pip', 'private', () => Promise.reject(new Error('mine')), signal);
    await expect(failing).rejects.toThrow('mine');
    expect(await cache.withMount('pip', 'private', async (directory) => basename(directory), signal)).toBe('pip');
  });

  it.each(['', '..', 'a/b'])('cannot be called %j', async (id) => {
    await expect(cache.withMount(id, 'shared', async () => undefined, signal)).rejects.toMatchObject({ code: 'ICT_CACHE_NAME' });
  });

  it('is not waited for after an abort', async () => {
    const stopping = cache.withMount(
      'pip',
      'locked',
      () => cache.withMount('pip', 'locked', async () => 1, AbortSignal.abort(new Error('stop'))),
      signal,
    );
    await expect(stopping).rejects.toThrow('stop');
  });
});
