import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cache } from '../src/cache.js';
import type { StagedLayer } from '../src/layer-store.js';
import { childScript, makeCacheRig, startChild, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
});
afterEach(() => rig.close());

const digest = digestOf('a layer');
const documents = { manifest: '["/hello"]', signature: '{"a":1}' };
const directory = (): string => join(rig.cacheDir, '.ict/layers', digest.slice(7));

async function staged(content = 'hello'): Promise<StagedLayer> {
  const layer = await cache.layers.stage();
  writeFileSync(join(layer.upper, 'hello'), content);
  mkdirSync(join(layer.work, 'work'));
  return layer;
}

describe('layers', () => {
  it('are staged in fresh directories and published by one rename', async () => {
    const layer = await staged();
    expect((await cache.layers.stage()).root).not.toBe(layer.root);
    expect(await cache.layers.get(digest)).toBeUndefined();
    const stored = { directory: directory(), fs: join(directory(), 'fs'), ...documents };
    expect(await cache.layers.publish(layer, digest, documents)).toEqual({ layer: stored, existed: false });
    expect(await cache.layers.get(digest)).toEqual(stored);
    expect(readFileSync(join(stored.fs, 'hello'), 'utf8')).toBe('hello');
    expect(existsSync(layer.root)).toBe(false);
    expect(rig.list('.ict/trash')).toHaveLength(1); // the work directory
    await cache.reap();
    expect(rig.list('.ict/trash')).toEqual([]);
  });

  it('are staged while unfinished work is removed by hand', async () => {
    const removing = spawn('sh', ['-c', 'while :; do rm -rf .ict/tmp; done'], { cwd: rig.cacheDir, stdio: 'ignore' });
    try {
      for (let layer = 0; layer < 1_000; layer++) expect((await cache.layers.stage()).upper).toContain('/layer/fs');
    } finally {
      removing.kill('SIGKILL');
      await once(removing, 'close');
    }
  });

  it('are entered by nobody else, as programs in them would run with the powers of their owners, nor are directories of commands', async () => {
    const closed = (path: string): boolean => (statSync(join(rig.cacheDir, path)).mode & 0o077) === 0;
    for (const area of ['.ict/layers', '.ict/mounts']) {
      expect(closed(area)).toBe(true);
      chmodSync(join(rig.cacheDir, area), 0o755); // as an earlier ict made it
    }
    await rig.open();
    expect(['.ict/layers', '.ict/mounts'].map(closed)).toEqual([true, true]);
    await cache.layers.publish(await staged(), digest, documents);
    await cache.layers.discard(digest);
    for (const name of rig.list('.ict/trash')) expect(closed(`.ict/trash/${name}`)).toBe(true);
  });

  it('that exist are kept', async () => {
    await cache.layers.publish(await staged('first'), digest, documents);
    const { layer, existed } = await cache.layers.publish(await staged('second'), digest, { manifest: 'x', signature: 'y' });
    expect(existed).toBe(true);
    expect(layer.manifest).toBe(documents.manifest);
    expect(readFileSync(join(layer.fs, 'hello'), 'utf8')).toBe('first');
  });

  it('of other users, whose files have other owners than they seem to have, are not seen, and lie beside', async () => {
    await cache.layers.publish(await staged('first'), digest, documents);
    const second = await staged('second');
    const anotherUser = vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000_000);
    try {
      const theirs = await rig.open();
      const borrowing = await rig.open({ cacheDir: join(rig.root, 'borrower'), readOnlyDirs: [rig.cacheDir] });
      expect([await theirs.layers.get(digest), await borrowing.layers.get(digest)]).toEqual([undefined, undefined]);
      const { layer } = await theirs.layers.publish(second, digest, documents);
      expect(layer.directory).toBe(join(rig.cacheDir, '.ict/layers-4000000000', digest.slice(7)));
    } finally {
      anotherUser.mockRestore();
    }
    const found = await (await rig.open()).layers.get(digest);
    expect(readFileSync(join(found?.fs ?? '', 'hello'), 'utf8')).toBe('first');
  });

  it.each([['fs'], ['manifest.json'], ['signature.json']])('without %s are absent, and can be published again', async (part) => {
    await cache.layers.publish(await staged('first'), digest, documents);
    rmSync(join(directory(), part), { recursive: true });
    expect(await cache.layers.get(digest)).toBeUndefined();
    expect(await cache.layers.publish(await staged('second'), digest, documents)).toMatchObject({ existed: false });
    expect(readFileSync(join(directory(), 'fs/hello'), 'utf8')).toBe('second');
  });

  it('get a new signature', async () => {
    await cache.layers.publish(await staged(), digest, documents);
    await cache.layers.resign(digest, 'new');
    expect(await cache.layers.get(digest)).toMatchObject({ signature: 'new', manifest: documents.manifest });
  });

  it('are discarded at once and removed later, by the callback', async () => {
    await cache.layers.publish(await staged(), digest, documents);
    expect(await cache.layers.discard(digest)).toBe(true);
    expect(await cache.layers.discard(digest)).toBe(false);
    expect(await cache.layers.get(digest)).toBeUndefined();
    await cache.layers.discardStaged(await staged());
    const removed: string[] = [];
    const result = await cache.reap((path) => {
      removed.push(path);
      if (removed.length === 2) return Promise.reject(Object.assign(new Error('EPERM: belongs to another id'), { code: 'EPERM' }));
      rmSync(path, { recursive: true });
      return Promise.resolve();
    });
    expect(removed).toHaveLength(3);
    expect(result).toEqual({ removed: 2, failed: [removed[1]] });
    expect(rig.list('.ict/trash')).toHaveLength(1);
  });

  it('published by two processes at once are one', async () => {
    const script = childScript(
      rig.cacheDir,
      `const cache = await open();
       for (let index = 0; index < 40; index += 1) {
         const staged = await cache.layers.stage();
         writeFileSync(staged.upper + '/file', 'x');
         const { layer } = await cache.layers.publish(staged, digestOf('layer ' + index), { manifest: 'm', signature: 's' });
         if (layer.manifest !== 'm' || readdirSync(layer.fs).length !== 1) process.exit(1);
       }`,
    );
    const codes = await Promise.all([1, 2].map(() => new Promise((resolve) => startChild(script).on('exit', resolve))));
    expect(codes).toEqual([0, 0]);
    expect(rig.list('.ict/layers')).toHaveLength(40);
    for (let index = 0; index < 40; index += 1) expect(await cache.layers.get(digestOf(`layer ${index}`))).toBeDefined();
  });
});

describe('reap', () => {
  it('removes what ended processes left, and nothing of the living or of strangers', async () => {
    const own = await cache.temporaryDirectory('mine');
    const script = childScript(
      rig.cacheDir,
      `const cache = await open();
       await cache.temporaryDirectory('left');
       await cache.toTrash(await cache.temporaryDirectory('trashed'));
       console.log('ready');
       await new Promise((resolve) => setTimeout(resolve, 1e8));`,
    );
    const child = startChild(script);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const stranger = 'ffffffff-ffffffff-1-1';
    mkdirSync(join(rig.cacheDir, '.ict/tmp', stranger));
    mkdirSync(join(rig.cacheDir, '.ict/tmp/by-hand'));
    const now = Date.now() / 1000;
    rig.time = now;

    expect(await cache.reap()).toEqual({ removed: 0, failed: [] });
    expect(rig.list('.ict/tmp')).toHaveLength(4);
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(await cache.reap()).toEqual({ removed: 2, failed: [] });
    expect(existsSync(own)).toBe(true);
    expect(rig.list('.ict/tmp')).toContain(stranger);
    expect(rig.list('.ict/trash')).toEqual([]);

    rig.time = now + 8 * 24 * 3600;
    expect(await cache.reap()).toEqual({ removed: 1, failed: [] });
    expect(rig.list('.ict/tmp')).toContain('by-hand');
  });
});
