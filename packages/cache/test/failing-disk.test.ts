import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../src/cache.js';
import { listWorkspace } from '../src/workspace.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

/* The disk gives nothing of one inode: the system answers EIO to whoever asks what lies at its path. */

const disk = vi.hoisted(() => ({ bad: undefined as string | undefined }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const look =
    (stat: (...given: readonly unknown[]) => unknown) =>
    (path: unknown, ...more: readonly unknown[]) => {
      if (disk.bad !== undefined && String(path) === disk.bad)
        throw Object.assign(new Error(`EIO: i/o error, stat '${disk.bad}'`), { code: 'EIO' });
      return stat(path, ...more);
    };
  const wrapped = (stat: unknown) => look(stat as (...given: readonly unknown[]) => unknown);
  return { ...real, lstatSync: wrapped(real.lstatSync), statSync: wrapped(real.statSync) };
});

let rig: CacheRig;
let cache: Cache;
let layer: string;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
  for (const name of ['a', 'b']) await cache.packages(provider).store(packageOf(name, name), rig.file(name));
  const made = await cache.blobs.putBytes(Buffer.from('disk'));
  await cache.steps.put('acme.make', { colour: 'red' }, { blob: { ...made } } as unknown as Json, 'ict');
  const artifact = {
    name: 'x.raw',
    type: 'raw',
    digest: made.digest,
    sizeBytes: 4,
    source: (await cache.blobs.path(made.digest)) as string,
  };
  await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map() }, 'ict');
  const staged = await cache.layers.stage();
  fs.writeFileSync(join(staged.upper, 'file'), '');
  layer = (await cache.layers.publish(staged, digestOf('layer'), { manifest: '[]', signature: '{}' })).layer.directory;
});
afterEach(() => {
  disk.bad = undefined;
  rig.close();
});

/** The first file below a directory whose name ends like this. */
const below = (directory: string, ending: string): string => {
  const root = join(rig.cacheDir, directory);
  return join(root, fs.readdirSync(root, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(ending)) as string);
};

describe('what the disk does not let be looked at is told by the check of the cache, which looks at all else, and stays', () => {
  it.each<[string, () => string, () => string]>([
    ['package', () => join(rig.cacheDir, 'pkgCache', provider, 'a_1.0-1_amd64.deb'), () => disk.bad as string],
    ['blob', () => below('.ict/blobs/sha256', digestOf('disk').slice('sha256:'.length)), () => disk.bad as string],
    ['step', () => below('.ict/index/steps', '.json'), () => disk.bad as string],
    ['image', () => below('imageCache', 'x.raw'), () => dirname(disk.bad as string)],
    ['layer', () => join(layer, 'fs', 'file'), () => layer],
  ])('(%s)', async (kind, bad, told) => {
    disk.bad = bad();
    for (const repair of [false, true]) {
      const { checked, findings } = await cache.verify({ repair, checkLayer: async () => undefined });
      const unread = { problem: 'unreadable', detail: 'it cannot be read: EIO', repaired: false };
      expect(findings).toEqual([expect.objectContaining({ kind, path: told(), ...unread })]);
      expect(checked).toMatchObject({ package: kind === 'package' ? 1 : 2 });
    }
    const path = disk.bad;
    disk.bad = undefined;
    expect(fs.existsSync(path)).toBe(true);
    expect((await cache.verify({ checkLayer: async () => undefined })).findings).toEqual([]);
  });
});

describe('what the disk does not let be looked at in a work directory', () => {
  it('is told, and all else is listed; without anybody to tell it is an error', async () => {
    const work = join(rig.root, 'work');
    for (const kind of ['chrootenv', 'chrootbuild']) fs.mkdirSync(join(work, 'one', kind), { recursive: true });
    disk.bad = join(work, 'one', 'chrootenv', 'file');
    fs.writeFileSync(join(work, 'one', 'chrootenv', 'file'), '');
    const told: string[] = [];
    const found = await listWorkspace(work, ({ kind, path }) => void told.push(`${kind} ${basename(path)}`));
    expect([told, found.map(({ id }) => id)]).toEqual([['chrootenv chrootenv'], ['one/chrootbuild']]);
    await expect(listWorkspace(work)).rejects.toMatchObject({ code: 'EIO' });
  });
});
