import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { hashFile } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TwinMaker } from '../src/package-twins.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

/* Another process puts something else in a place, right after this one put something there, or while it finds out that what lies there is damaged. */

/** What another process does once a file of this name was put somewhere. */
const meanwhile = vi.hoisted(() => ({ name: '', run: (_path: string): void => {} }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const renameSync: typeof real.renameSync = (from, to) => {
    real.renameSync(from, to);
    const { name, run } = meanwhile;
    if (name === '' || !String(to).endsWith(`/${name}`)) return;
    meanwhile.name = '';
    run(String(to));
  };
  return { ...real, renameSync };
});

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => {
  meanwhile.name = '';
  rig.close();
});

const pkg = packageOf('a', 'content of a');

/** Has another file take the place of the next one that is put under a name. */
function replaceNext(name: string, content: string): void {
  const other = rig.file(content);
  Object.assign(meanwhile, { name, run: (path: string) => fs.renameSync(other, path) });
}

/** A cache in which something happens once a file was hashed. */
const openWith = (after: (file: string) => void) =>
  rig.open({
    mode: 'full',
    digestFile: async (file, algorithm = 'sha256') => {
      const identity = await hashFile(file, { algorithm });
      after(file);
      return identity;
    },
  });

const maker: TwinMaker = {
  by: 'deb',
  version: 1,
  limitBytes: 2 ** 30,
  signal: new AbortController().signal,
  async write(file, out) {
    fs.writeFileSync(out, `plain ${fs.readFileSync(file, 'utf8')}`);
  },
};

describe('a package whose place another process takes', () => {
  it('is neither given out nor found when that put another package there', async () => {
    const packages = (await rig.open()).packages(provider);
    replaceNext(pkg.fileName, 'content of b');
    await expect(packages.store(pkg, rig.file('content of a'))).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    expect(await packages.lookup(pkg)).toEqual({ state: 'miss' });
  });

  it('is stored when that put the same package there', async () => {
    const packages = (await rig.open()).packages(provider);
    replaceNext(pkg.fileName, 'content of a');
    const file = await packages.store(pkg, rig.file('content of a'));
    expect(await packages.lookup(pkg)).toEqual({ state: 'hit', file, check: 'signature' });
  });
});

describe('a twin whose place another process takes', () => {
  it('does without when that put the twin of another package there', async () => {
    const cache = await rig.open();
    const file = await cache.packages(provider).store(pkg, rig.file('content of a'));
    replaceNext(pkg.fileName, 'plain content of b');
    expect(await cache.twins(provider, maker).obtain({ ...pkg, file })).toBeUndefined();
    const twin = await cache.twins(provider, maker).obtain({ ...pkg, file });
    expect(fs.readFileSync(twin as string, 'utf8')).toBe('plain content of a');
  });

  it('leaves the new one there when its own was damaged', async () => {
    const before = await rig.open();
    const file = await before.packages(provider).store(pkg, rig.file('content of a'));
    const twin = (await before.twins(provider, maker).obtain({ ...pkg, file })) as string;
    fs.chmodSync(twin, 0o644);
    fs.writeFileSync(twin, 'plain content of x');
    const other = rig.file('plain content of a');
    const { ino } = fs.statSync(other);
    const cache = await openWith((hashed) => fs.existsSync(other) && hashed === twin && fs.renameSync(other, twin));
    await cache.twins(provider, { ...maker, limitBytes: 0 }).obtain({ ...pkg, file });
    expect(fs.statSync(twin).ino).toBe(ino);
  });
});

describe('an image that turns out to be damaged', () => {
  it('is not taken away once another process put a sound one in its place', async () => {
    const inputs = { template: 'one' };
    const name = 'one.lock.yml';
    const image = { artifacts: [], documents: new Map([[name, Buffer.from('lock')]]) };
    const kept = await (await rig.open()).images.put(inputs, image, 'ict');
    const directory = kept?.directory as string;
    const sound = join(rig.root, basename(directory));
    fs.cpSync(directory, sound, { recursive: true });
    fs.chmodSync(join(directory, name), 0o644);
    fs.writeFileSync(join(directory, name), 'LOCK');
    const cache = await openWith(() => {
      if (!fs.existsSync(sound)) return;
      fs.renameSync(directory, `${sound}-before`);
      fs.renameSync(sound, directory);
    });
    expect((await cache.images.find(inputs)).image).toBeUndefined();
    expect(fs.readFileSync(join(directory, name), 'utf8')).toBe('lock');
    expect((await cache.images.find(inputs)).image).toBeDefined();
  });
});
