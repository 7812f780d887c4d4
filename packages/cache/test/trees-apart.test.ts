import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../src/cache.js';
import { openLayout } from '../src/layout.js';
import { reap, removeTree } from '../src/reaper.js';
import { currentOwner } from '../src/process-owner.js';
import { refuseUnread } from '../src/unread.js';
import { endProcesses, makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let treesDir: string;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  treesDir = join(rig.root, 'work', '.cache');
  cache = await rig.open({ treesDir });
});
afterEach(() => rig.close());

const layer = digestOf('a layer');
/** A process of this machine that has ended: no process has such an id. */
const ended = currentOwner().split('-').with(2, '4194305').join('-');
const signal = new AbortController().signal;
const inTrees = (...path: readonly string[]): string => join(treesDir, '.ict', ...path);

async function publishLayer(): Promise<void> {
  const staged = await cache.layers.stage();
  expect(staged.root.startsWith(inTrees('tmp'))).toBe(true);
  writeFileSync(join(staged.upper, 'file'), 'content');
  await cache.layers.publish(staged, layer, { manifest: '1', signature: '2' });
}

describe('a cache whose trees lie elsewhere', () => {
  it('keeps them, what is made, and what this machine alone locks there, and nothing else', async () => {
    await publishLayer();
    await cache.packages(provider).store(packageOf('a', 'content'), rig.file('content'));
    const blob = await cache.blobs.putBytes(Buffer.from('blob'));
    await cache.steps.put('acme.make', { a: 1 }, { ...blob }, 'ict');
    expect(await cache.layers.get(layer)).toMatchObject({ directory: inTrees('layers', layer.slice(7)) });
    for (const temporary of [await cache.temporaryDirectory('build'), await cache.scratchDirectory('run')])
      expect(temporary.startsWith(inTrees('tmp'))).toBe(true);
    await cache.withMount('downloads', 'locked', async (directory) => expect(directory).toBe(inTrees('mounts', 'downloads')), signal);
    await cache.withLock('work', async () => expect(readdirSync(inTrees('locks'))).toContain('work.lock'));
    expect(readdirSync(treesDir)).toEqual(['.ict']);
    expect(rig.list('.ict').filter((name) => ['layers', 'mounts'].includes(name))).toEqual([]);
    expect(rig.list('.ict/index')).toEqual(['blobs', 'packages', 'steps']);
  });

  it('collects, trashes and reaps in both places', async () => {
    await publishLayer();
    await cache.blobs.putBytes(Buffer.from('blob'));
    endProcesses(rig);
    rig.time = Date.now() / 1000 + 7200;
    const others = await rig.open({ treesDir });
    const { removed } = await others.collect({ unusedDays: 30 });
    expect(removed.map(({ kind }) => kind).sort()).toEqual(['blob', 'layer']);
    expect(readdirSync(inTrees('trash'))).toHaveLength(2); // and what the layer was made in
    expect(rig.list('.ict/trash')).toHaveLength(1);
    const left = [inTrees('tmp', ended), join(rig.cacheDir, '.ict/tmp', ended)];
    for (const directory of left) mkdirSync(directory);
    expect(await others.reap()).toEqual({ removed: 4, failed: [] });
    expect(await cache.reap()).toEqual({ removed: 1, failed: [] });
    expect([...left, ...readdirSync(inTrees('trash'))].filter((path) => existsSync(path))).toEqual([]);
    expect(rig.list('.ict/trash')).toEqual([]);
  });

  it('writes what was learned of a layer beside it', async () => {
    await publishLayer();
    await cache.layers.resign(layer, 'new');
    expect(readFileSync(inTrees('layers', layer.slice(7), 'signature.json'), 'utf8')).toBe('new');
  });

  it('measures and verifies both', async () => {
    await publishLayer();
    await cache.blobs.putBytes(Buffer.from('blob'));
    const areas = (await cache.usage(refuseUnread)).filter(({ files }) => files > 0).map(({ area }) => area);
    expect(areas).toEqual(expect.arrayContaining(['blobs', 'layers']));
    const { checked, findings } = await cache.verify({ checkLayer: async () => ({ problem: 'damaged', detail: 'another /file' }) });
    expect(checked).toMatchObject({ blob: 1, layer: 1 });
    expect(findings).toMatchObject([{ kind: 'layer', problem: 'damaged' }]);
  });

  it('collects alone among all machines that share it', async () => {
    const lock = join(rig.cacheDir, '.ict/locks/collect.lock');
    writeFileSync(lock, JSON.stringify({ owner: 'ffffffff-ffffffff-1-1', token: 'theirs' }));
    const waiting = cache.collect({ packageDays: 30 }, { signal: AbortSignal.timeout(20) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('two users who open an empty cache at once', () => {
  it('have trees of their own', async () => {
    // Until the directories are made, nobody owns them; then all are this process's, which says that it is another user.
    const cacheDir = join(rig.root, 'shared');
    const anotherUser = vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000_000);
    try {
      const layout = await openLayout(cacheDir, currentOwner());
      expect(layout.area('layers')).toBe(join(cacheDir, '.ict', 'layers-4000000000'));
      expect(existsSync(layout.area('mounts'))).toBe(true);
      expect((await openLayout(cacheDir, currentOwner(), { readOnly: true })).area('layers')).toBe(layout.area('layers'));
    } finally {
      anotherUser.mockRestore();
    }
  });
});

describe('leaving', () => {
  it('removes what this process made for temporary files, once all of it is empty', async () => {
    cache.leave();
    const scratchDir = join(rig.root, 'scratch');
    const one = await rig.open({ treesDir, scratchDir });
    const scratch = await one.scratchDirectory('run');
    await one.temporaryDirectory('build');
    const own = [join(rig.cacheDir, '.ict/tmp'), inTrees('tmp'), scratchDir];
    one.leave();
    expect(own.map((directory) => readdirSync(directory).length)).toEqual([0, 1, 1]);
    await one.toTrash(join(inTrees('tmp', currentOwner())));
    rmSync(scratch, { recursive: true });
    one.leave();
    expect(own.map((directory) => readdirSync(directory))).toEqual([[], [], []]);
    expect(await one.blobs.path((await one.blobs.putBytes(Buffer.from('more'))).digest)).toBeDefined();
  });

  it('takes nothing away that another cache of this process is about to use', async () => {
    const [one, other] = [await openLayout(rig.cacheDir, currentOwner()), await openLayout(rig.cacheDir, currentOwner())];
    const file = await other.temporaryFile();
    one.leave();
    writeFileSync(file, 'written after the other one left');
    const path = join(rig.cacheDir, 'pkgCache');
    mkdirSync(path);
    const aside = (await other.setAside(path)) as string;
    expect(await reap(one, removeTree, Date.now() / 1000)).toEqual({ removed: 0, failed: [] });
    expect(await other.putBack(aside, path)).toBe(true);
    await other.toTrash(path);
    expect(await reap(other, removeTree, Date.now() / 1000)).toEqual({ removed: 1, failed: [] });
  });

  it('and making a directory for temporary files do not meet', async () => {
    const [one, other] = [await openLayout(rig.cacheDir, currentOwner()), await openLayout(rig.cacheDir, currentOwner())];
    const making = Array.from({ length: 20 }, async () => {
      const directory = other.temporaryDirectory('run');
      one.leave();
      await directory.then((path) => rmSync(path, { recursive: true }));
      one.leave();
    });
    await expect(Promise.all(making)).resolves.toHaveLength(20);
  });
});
