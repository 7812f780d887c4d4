import {
  chmodSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache, type Cache } from '../src/cache.js';
import { makeCacheRig, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
let cache: Cache;
beforeEach(async () => {
  rig = makeCacheRig();
  cache = await rig.open();
});
afterEach(() => rig.close());

const inputs: Json = { template: 'one', lock: 'sha256:aa' };
const content = 'disk '.repeat(1000);
const directory = (key = cache.images.key(inputs)): string => join(rig.cacheDir, 'imageCache', key);
const raw = (): string => join(directory(), 'mini-1.raw');
const found = async (options?: Parameters<CacheRig['open']>[0]) => (await rig.open(options)).images.find(inputs);

async function keep(what: Json = inputs): Promise<void> {
  const blob = await cache.blobs.putBytes(Buffer.from(content));
  const source = (await cache.blobs.path(blob.digest)) as string;
  const artifact = { name: 'mini-1.raw', type: 'raw', digest: blob.digest, sizeBytes: blob.sizeBytes, source };
  await cache.images.put(what, { artifacts: [artifact], documents: new Map([['mini-1.lock.yml', Buffer.from('lock')]]) }, 'ict 1');
}

describe('an image that was kept', () => {
  it('is found by equal inputs, unhashed, and shares its blob with the cache', async () => {
    await keep();
    rig.hashed.length = 0;
    const { image } = await found();
    expect(image).toMatchObject({
      directory: directory(),
      origin: 'built',
      tool: 'ict 1',
      files: [
        { name: 'mini-1.raw', type: 'raw', digest: digestOf(content), sizeBytes: content.length },
        { name: 'mini-1.lock.yml', digest: digestOf('lock'), sizeBytes: 4 },
      ],
    });
    expect(readFileSync(raw(), 'utf8')).toBe(content);
    expect(statSync(raw()).nlink).toBe(2);
    expect(await cache.blobs.path(digestOf(content))).toBeDefined();
    expect(rig.hashed).toEqual([]);
  });

  it('is not found by other inputs; the miss says how they differ', async () => {
    await keep({ template: 'one', lock: 'sha256:bb' });
    expect(await found()).toMatchObject({ differences: [{ path: 'lock', before: 'sha256:bb', after: 'sha256:aa' }] });
  });

  it('does not put off when its blob is hashed next', async () => {
    await cache.blobs.putBytes(Buffer.from(content));
    rig.time += 19 * 86_400;
    await keep();
    rig.time += 86_400;
    rig.hashed.length = 0;
    const file = await cache.blobs.path(digestOf(content));
    expect(rig.hashed).toEqual([file]);
  });

  it('is hashed whole with full verification, and again after 30 days', async () => {
    await keep();
    rig.hashed.length = 0;
    await found({ mode: 'full' });
    expect(rig.hashed.toSorted()).toEqual([raw(), join(directory(), 'mini-1.lock.yml')].sort()); // at the same time, so in any order
    rig.hashed.length = 0;
    rig.time += 31 * 86_400;
    expect(await found()).toHaveProperty('image');
    expect(rig.hashed).toHaveLength(2);
  });

  it('is as it was when it was only asked for, sound or damaged', async () => {
    await keep();
    const meta = join(directory(), 'meta.json');
    const before = readFileSync(meta, 'utf8');
    const peek = async () => (await rig.open({ mode: 'full' })).images.peek(inputs);
    expect(await peek()).toHaveProperty('image');
    truncateSync(raw(), 100);
    expect(await peek()).toMatchObject({ reason: 'the stored image was damaged' });
    expect(readFileSync(meta, 'utf8')).toBe(before);
    expect(statSync(raw()).size).toBe(100);
    rmSync(meta);
    expect(await peek()).toMatchObject({ reason: 'never built here' });
    expect(existsSync(raw())).toBe(true);
    expect(rig.events.filter((event) => event.type === 'warning')).toEqual([]);
  });

  it('is found no more once it was dropped', async () => {
    await keep();
    await cache.images.drop(inputs);
    expect(await found()).toMatchObject({ reason: 'never built here' });
    expect(existsSync(directory())).toBe(false);
    await expect(cache.images.drop(inputs)).resolves.toBeUndefined();
  });

  it('may be kept twice', async () => {
    await keep();
    await keep();
    expect(await found()).toHaveProperty('image');
    expect(rig.list('imageCache')).toEqual([cache.images.key(inputs)]);
  });

  it.each<[string, () => void]>([
    ['cut off', () => truncateSync(raw(), 100)],
    [
      'changed at the same size and times',
      () => {
        const { atime, mtime } = statSync(raw());
        chmodSync(raw(), 0o644);
        writeFileSync(raw(), content.replace('disk', 'dusk'));
        utimesSync(raw(), atime, mtime);
      },
    ],
    ['removed', () => rmSync(raw())],
    [
      'replaced by a link to something else',
      () => {
        rmSync(raw());
        linkSync(rig.file('other'), raw());
      },
    ],
  ])('and whose disk was %s is taken away, with a warning', async (_, tamper) => {
    await keep();
    tamper();
    expect(await found()).toMatchObject({ reason: 'the stored image was damaged' });
    expect(rig.events.filter((event) => event.type === 'warning')).toMatchObject([{ code: 'ICT_CACHE_DAMAGED' }]);
    expect(existsSync(directory())).toBe(false);
    await keep();
    expect(await found()).toHaveProperty('image');
  });

  it.each<[string, (text: string) => string]>([
    ['is no JSON', () => '{'],
    ['is another image\u2019s', (text) => text.replace('sha256:aa', 'sha256:ab')],
    ['names another file', (text) => text.replace('"mini-1.lock.yml"', '"../../escape.yml"')],
    ['names another digest', (text) => text.replace(digestOf('lock'), digestOf('lack'))],
  ])('and whose record %s is no hit', async (_, change) => {
    await keep();
    const meta = join(directory(), 'meta.json');
    writeFileSync(meta, change(readFileSync(meta, 'utf8')));
    expect(await found()).not.toHaveProperty('image');
  });

  it('is no hit under another key', async () => {
    await keep();
    renameSync(directory(), directory(cache.images.key({ template: 'two' })));
    expect(await cache.images.find({ template: 'two' })).not.toHaveProperty('image');
  });

  it('is checked without its inputs', async () => {
    await keep();
    const key = cache.images.key(inputs);
    expect(await cache.images.check(key)).toEqual([]);
    rmSync(raw());
    expect(await cache.images.check(key)).toEqual(['mini-1.raw is missing']);
  });
});

it('keeps the holes of an image that was made elsewhere', async () => {
  const file = rig.file('thin.raw');
  truncateSync(file, 64 * 2 ** 20);
  const key = await cache.images.importFile(file, 'thin.raw', 'raw', 'ict 1');
  const kept = statSync(join(directory(key), 'thin.raw'));
  expect([kept.size, kept.nlink]).toEqual([64 * 2 ** 20, 1]);
  expect(kept.blocks * 512).toBeLessThan(2 ** 20);
  expect(await cache.images.check(key)).toEqual([]);
});

it('leaves nothing behind when an image cannot be kept', async () => {
  writeFileSync(join(rig.cacheDir, 'imageCache'), 'a file where a directory should be');
  await expect(keep()).rejects.toMatchObject({ code: 'ICT_CACHE_UNWRITABLE' });
  expect(await found()).toMatchObject({ reason: expect.stringContaining('cannot be read') as unknown });
});

it('a signal ends the hashing and the copying of an image, of which nothing stays', async () => {
  const file = rig.file('disk');
  const aborted = await openCache({ cacheDir: rig.cacheDir, clock: () => 1000, signal: AbortSignal.abort(new Error('enough')) });
  await expect(aborted.images.importFile(file, 'mini.raw', 'raw', 'ict 1')).rejects.toThrow('enough');
  await keep();
  await expect(aborted.images.check(cache.images.key(inputs))).rejects.toThrow('enough');
  await cache.images.drop(inputs);
  const ending = new AbortController();
  const digestFile = async (path: string) => {
    const found = await hashFile(path);
    ending.abort();
    return found;
  };
  const ended = await rig.open({ digestFile, signal: ending.signal });
  await expect(ended.images.importFile(file, 'mini.raw', 'raw', 'ict 1')).rejects.toMatchObject({ name: 'AbortError' });
  expect(readdirSync(join(rig.cacheDir, 'imageCache'))).toEqual([]);
});
