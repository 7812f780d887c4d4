import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
});
afterEach(() => rig.close());

const content = 'content '.repeat(50);
const pkg = packageOf('hello', content);
const layer = digestOf('a layer');

async function publishLayer() {
  const staged = await cache.layers.stage();
  writeFileSync(join(staged.upper, 'file'), content);
  return (await cache.layers.publish(staged, layer, { manifest: '1', signature: '2' })).layer;
}

/** Puts something that no directory can be made of, and nothing read from, at a path of the cache. */
const obstacles: Readonly<Record<string, (path: string) => void>> = {
  'a file': (path) => writeFileSync(path, ''),
  'a link to itself': (path) => symlinkSync(path, path),
};

function obstruct(what: string, ...path: readonly string[]): void {
  const place = join(rig.cacheDir, ...path);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(dirname(place), { recursive: true });
  obstacles[what]?.(place);
}

describe.each(Object.keys(obstacles))('where %s lies in place of its directory', (what) => {
  it('a blob is kept for this process, and found by it', async () => {
    obstruct(what, '.ict/blobs/sha256');
    const { digest } = await cache.blobs.putBytes(Buffer.from(content));
    const file = await cache.blobs.putFile(rig.file('other'));
    expect(readFileSync((await cache.blobs.path(digest)) as string, 'utf8')).toBe(content);
    expect(readFileSync((await cache.blobs.path(file.digest)) as string, 'utf8')).toBe('other');
    expect(await (await rig.open()).blobs.path(digest)).toBeUndefined();
    expect(new Set(rig.warnings())).toContain('ICT_CACHE_NOT_KEPT');
    expect(rig.warnings().filter((code) => code === 'ICT_CACHE_NOT_KEPT')).toHaveLength(1);
  });

  it('a blob is found though its record is not', async () => {
    obstruct(what, '.ict/index/blobs');
    const { digest } = await cache.blobs.putBytes(Buffer.from(content));
    expect(readFileSync((await cache.blobs.path(digest)) as string, 'utf8')).toBe(content);
  });

  it('a package is kept for this process', async () => {
    obstruct(what, 'pkgCache', provider);
    const file = await cache.packages(provider).store(pkg, rig.file(content));
    expect(readFileSync(file, 'utf8')).toBe(content);
    expect(rig.events.filter(({ type }) => type === 'package.stored')).toEqual([]);
    await cache.packages(provider).writeGraph('digraph {}');
    expect(rig.warnings()).toEqual(['ICT_CACHE_NOT_KEPT']);
    expect(await cache.packages(provider).lookup(pkg)).toEqual({ state: 'miss' });
  });

  it('a package lies in its place though its record does not', async () => {
    obstruct(what, '.ict/index/packages', provider);
    const file = await cache.packages(provider).store(pkg, rig.file(content));
    expect(file).toBe(join(rig.cacheDir, 'pkgCache', provider, pkg.fileName));
    expect(readFileSync(file, 'utf8')).toBe(content);
    expect(rig.warnings()).toEqual(['ICT_CACHE_NOT_KEPT']);
  });

  it('a layer is used where it was made, by this process', async () => {
    obstruct(what, '.ict/layers');
    const { fs } = await publishLayer();
    expect(readFileSync(join(fs, 'file'), 'utf8')).toBe(content);
    await cache.layers.resign(layer, '3');
    expect(await cache.layers.get(layer)).toMatchObject({ fs, manifest: '1', signature: '3' });
    await cache.layers.discard(layer).catch(() => undefined);
    expect(await cache.layers.get(layer)).toBeUndefined();
    expect(rig.warnings().filter((code) => code === 'ICT_CACHE_NOT_KEPT')).toHaveLength(1);
  });

  it('the result of a step is not kept', async () => {
    obstruct(what, '.ict/index/steps');
    expect(await cache.steps.put('compose', 'inputs', 'output', 'ict')).toBeUndefined();
    expect(rig.warnings()).toEqual(['ICT_CACHE_NOT_KEPT']);
  });
});

describe('what cannot be read', () => {
  it('is a miss, and one warning', async () => {
    const { digest } = await cache.blobs.putBytes(Buffer.from(content));
    const { directory } = await publishLayer();
    for (const path of [(await cache.blobs.path(digest)) as string, directory]) {
      rmSync(path, { recursive: true });
      symlinkSync(path, path); // ELOOP, for root as well
    }
    const other = await rig.open();
    expect([await other.blobs.path(digest), await other.layers.get(layer)]).toEqual([undefined, undefined]);
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
  });

  it.each<[string, (path: string) => void]>([
    ['a link to itself', (path) => symlinkSync(path, path)],
    ['a directory', (path) => mkdirSync(path)],
  ])('of the results of a step, as %s cannot, keeps none of the others from being found, and is one warning', async (_what, put) => {
    for (const colour of ['red', 'green']) await cache.steps.put('acme.make', { colour }, colour, 'ict');
    const bad = join(rig.cacheDir, '.ict/index/steps/acme.make', 'ab', 'ab.json');
    mkdirSync(dirname(bad), { recursive: true });
    put(bad);
    const found: unknown[] = [];
    for await (const { output } of cache.steps.records('acme.make')) found.push(output);
    expect(found.sort()).toEqual(['green', 'red']);
    expect((await cache.steps.nearest('acme.make', { colour: 'blue' }))?.record.inputs).toHaveProperty('colour');
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
  });

  it('of the results of a step, as they have no directory, are none, and one warning', async () => {
    obstruct('a link to itself', '.ict/index/steps/acme.make');
    const found: unknown[] = [];
    for await (const { output } of cache.steps.records('acme.make')) found.push(output);
    expect([found, await cache.steps.nearest('acme.make', {})]).toEqual([[], undefined]);
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
  });

  it('of a package, as its record cannot, vouches for nothing, and ends nothing', async () => {
    await cache.packages(provider).store(pkg, rig.file(content));
    const records = join(rig.cacheDir, '.ict/index/packages', provider);
    const record = join(
      records,
      readdirSync(records, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.json')) as string,
    );
    rmSync(record);
    mkdirSync(record);
    await cache.packages(provider).vouch(pkg, digestOf('rules'));
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
  });

  it.each<[string, (path: string) => void]>([
    ['a link to itself', (path) => symlinkSync(path, path)],
    ['a directory', (path) => mkdirSync(path)],
  ])('of an image, as its record is %s, makes way for the image made anew', async (_what, put) => {
    const image = {
      artifacts: [{ name: 'x.raw', type: 'raw', digest: digestOf(content), sizeBytes: content.length, source: rig.file(content) }],
    };
    const keep = () => cache.images.put({ a: 1 }, { ...image, documents: new Map() }, 'ict');
    await keep();
    const [directory = ''] = rig.list('imageCache');
    const record = join(rig.cacheDir, 'imageCache', directory, 'meta.json');
    rmSync(record);
    put(record);
    expect(await cache.images.find({ a: 1 })).toMatchObject({ reason: 'never built here' });
    await keep();
    expect(await cache.images.find({ a: 1 })).toMatchObject({ image: { origin: 'built' } });
  });

  it('is made again, and used where it was made when it is in the way', async () => {
    const { digest } = await cache.blobs.putBytes(Buffer.from(content));
    const file = (await cache.blobs.path(digest)) as string;
    rmSync(file);
    symlinkSync(file, file);
    const again = await cache.blobs.putFile(rig.file(content));
    expect(again.digest).toBe(digest);
    const found = (await cache.blobs.path(digest)) as string;
    expect(existsSync(found) && readFileSync(found, 'utf8')).toBe(content);
  });
});
