import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import type { ContentAlgorithm, Digest, Json, Memo } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache, CacheOptions } from '../src/cache.js';
import { currentOwner } from '../src/process-owner.js';
import { openReadOnlyCaches } from '../src/read-only-caches.js';
import { statSignature, type StatSignature } from '../src/stat-signature.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
/** The cache that is only read, as its own machine sees it. */
let lender: Cache;
let blob: Digest;

const pkg = packageOf('hello', 'hello '.repeat(100));
const inputs: Json = { step: 'compose', of: 'x' };
const layer = digestOf('a layer');
const DAY = 86_400;

/** Fills a cache with one entry of each kind. */
async function fill(cache: Cache): Promise<void> {
  await cache.packages(provider).store(pkg, rig.file('hello '.repeat(100)));
  blob = (await cache.blobs.putBytes(Buffer.from('index'))).digest;
  const disk = await cache.blobs.putBytes(Buffer.from('disk'));
  await cache.steps.put('compose', inputs, { made: 1 }, 'ict 1');
  await cache.memo.set('answer', 'question', 42);
  const staged = await cache.layers.stage();
  writeFileSync(join(staged.upper, 'file'), 'content');
  await cache.layers.publish(staged, layer, { manifest: '"listing"', signature: '"there"' });
  const artifact = { name: 'x.raw', type: 'raw', ...disk, source: (await cache.blobs.path(disk.digest)) as string };
  await cache.images.put(inputs, { artifacts: [artifact], documents: new Map([['x.txt', Buffer.from('text')]]) }, 'ict 1');
}

beforeEach(async () => {
  rig = makeCacheRig();
  lender = await rig.open({ cacheDir: join(rig.root, 'lender') });
  await fill(lender);
  rig.hashed.length = 0;
  rig.events.length = 0;
});
afterEach(() => rig.close());

const borrow = (options: Partial<CacheOptions> = {}): Promise<Cache> => rig.open({ readOnlyDirs: [lender.cacheDir], ...options });
const inLender = (...path: readonly string[]): string => join(lender.cacheDir, ...path);

/** What was found of each kind, as the place where it lies or what it says. */
async function findAll(cache: Cache) {
  return {
    package: await cache.packages(provider).lookup(pkg),
    blob: await cache.blobs.path(blob),
    step: (await cache.steps.get('compose', inputs))?.output,
    memo: await cache.memo.get('answer', 'question'),
    layer: (await cache.layers.get(layer))?.fs,
    image: (await cache.images.find(inputs)).image?.directory,
  };
}

const image = (): string => inLender('imageCache', lender.images.key(inputs));
const blobFile = (): string => inLender('.ict/blobs/sha256', blob.slice(7, 9), blob.slice(7));
const packageFile = (): string => inLender('pkgCache', provider, pkg.fileName);

const everything = (check: 'signature' | 'hash') => ({
  package: { state: 'hit', file: packageFile(), check },
  blob: blobFile(),
  step: { made: 1 },
  memo: 42,
  layer: inLender('.ict/layers', layer.slice(7), 'fs'),
  image: image(),
});

/** Every path below a directory with what the file system says of it. */
function stateOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const { ino, size, mtimeMs, ctimeMs, nlink, mode } = statSync(join(directory, path));
      return [path, ino, size, mtimeMs, ctimeMs, nlink, mode].join(' ');
    });
}

describe('a cache behind the cache', () => {
  it('is asked for what the cache does not have, of every kind, and used where it lies, unhashed', async () => {
    expect(await findAll(await borrow())).toEqual(everything('signature'));
    expect(rig.hashed).toEqual([]);
    expect(rig.warnings()).toEqual([]);
  });

  it('is never written, whatever is looked up, made, collected and reaped', async () => {
    const before = stateOf(lender.cacheDir);
    const cache = await borrow();
    await findAll(cache);
    await cache.layers.resign(layer, '"here"');
    await cache.layers.discard(layer);
    await cache.steps.put('compose', { step: 'compose', of: 'y' }, { made: 2 }, 'ict 1');
    const source = (await cache.blobs.path(digestOf('disk'))) as string;
    const artifact = { name: 'y.raw', type: 'raw', digest: digestOf('disk'), sizeBytes: 4, source };
    await cache.images.put('other', { artifacts: [artifact], documents: new Map() }, 'ict 1');
    await cache.withLock('work', async () => undefined);
    await cache.collect({ unusedDays: 0, packageBytes: 0 });
    await cache.clean(() => true);
    await cache.verify({ repair: true });
    await cache.reap();
    expect(stateOf(lender.cacheDir)).toEqual(before);
  });

  it('is asked after the cache itself', async () => {
    await fill(await rig.open());
    const found = await findAll(await borrow());
    expect(Object.values(found).filter((one) => typeof one === 'string' && !one.startsWith(`${rig.cacheDir}/`))).toEqual([]);
    expect(found.package).toMatchObject({ file: join(rig.cacheDir, 'pkgCache', provider, pkg.fileName) });
  });

  it('is asked when the own cache has it and cannot read it', async () => {
    const own = await borrow();
    await fill(own);
    const file = join(rig.cacheDir, 'pkgCache', provider, pkg.fileName);
    const record = join(rig.cacheDir, '.ict/index/steps/compose');
    for (const path of [file, record]) {
      rmSync(path, { recursive: true });
      symlinkSync(path, path); // ELOOP: an error of the file system that root has, too
    }
    const found = await findAll(await borrow());
    expect(found.package).toMatchObject({ state: 'hit', file: packageFile() });
    expect(found.step).toEqual({ made: 1 });
  });

  it('is asked in the order given', async () => {
    const second = join(rig.root, 'second');
    cpSync(lender.cacheDir, second, { recursive: true, preserveTimestamps: true });
    const cache = await rig.open({ readOnlyDirs: [second, lender.cacheDir] });
    expect(await cache.blobs.path(blob)).toBe(join(second, '.ict/blobs/sha256', blob.slice(7, 9), blob.slice(7)));
    rmSync(join(second, '.ict/blobs'), { recursive: true });
    expect(await cache.blobs.path(blob)).toBe(blobFile());
  });

  it('shows in why something was missed, and in the results of the same step', async () => {
    const cache = await borrow();
    const wanted: Json = { step: 'compose', of: 'z' };
    expect((await cache.steps.nearest('compose', wanted))?.differences.map(({ path }) => path)).toEqual(['of']);
    const outputs: Json[] = [];
    for await (const { output } of cache.steps.records('compose')) outputs.push(output);
    expect(outputs).toEqual([{ made: 1 }]);
    const lookup = await cache.images.find(wanted);
    expect(lookup.image === undefined && lookup.differences.map(({ path }) => path)).toEqual(['of']);
  });
});

describe('what the file system says of files there', () => {
  /** As another machine sees it: with other inodes and times. */
  async function elsewhere(): Promise<void> {
    const copy = join(rig.root, 'copy');
    cpSync(lender.cacheDir, copy, { recursive: true, preserveTimestamps: true });
    lender = await rig.open({ cacheDir: copy, readOnly: true });
    rig.hashed.length = 0;
  }

  it('is remembered in the cache itself, once each file was hashed', async () => {
    await elsewhere();
    expect(await findAll(await borrow())).toEqual(everything('hash'));
    expect(rig.hashed).toHaveLength(4); // package, blob, two files of the image
    rig.hashed.length = 0;
    expect(await findAll(await borrow())).toEqual(everything('signature'));
    expect(rig.hashed).toEqual([]);
  });

  it('does not count with full verification, nor after 30 days', async () => {
    expect(await findAll(await borrow({ mode: 'full' }))).toEqual(everything('hash'));
    rig.time += 31 * DAY;
    expect(await findAll(await borrow())).toEqual(everything('hash'));
  });

  it('is asked for an early hash by when the file was last hashed, here or there', async () => {
    const asked: number[] = [];
    const facts = new Map<string, Json>();
    const memo: Memo = {
      get: async (_kind, path) => facts.get(String(path)),
      set: async (_kind, path, fact) => void facts.set(String(path), fact),
    };
    const isScrubDue = (verifiedAt: number) => asked.push(verifiedAt / DAY) > 2;
    const common = {
      clock: () => 26 * DAY,
      emit: () => undefined,
      mode: 'signature',
      digestFile: (file: string, algorithm: ContentAlgorithm = 'sha256') => hashFile(file, { algorithm }),
    } as const;
    const caches = await openReadOnlyCaches([lender.cacheDir], {
      ...common,
      cacheDir: rig.cacheDir,
      owner: currentOwner(),
      memo,
      isScrubDue,
    });
    const signature = (await statSignature(blobFile())) as StatSignature;
    const prove = (day: number) => caches.prove(blobFile(), { digest: blob, recorded: { signature, verifiedAt: day * DAY } });
    expect(await prove(20)).toBe('signature');
    expect(await prove(2)).toBe('signature');
    expect(await prove(2)).toBe('hash');
    expect(await prove(2)).toBe('hash'); // known from the last time, which is what is asked about
    expect(asked).toEqual([20, 2, 2, 26]);
  });

  it('is remembered of a layer as its owner says', async () => {
    const cache = await borrow();
    expect((await cache.layers.get(layer))?.signature).toBe('"there"');
    await cache.layers.resign(layer, '"here"');
    expect((await (await borrow()).layers.get(layer))?.signature).toBe('"here"');
    expect(readFileSync(inLender('.ict/layers', layer.slice(7), 'signature.json'), 'utf8')).toBe('"there"');
  });
});

describe('a damaged file there', () => {
  const damage: Readonly<Record<string, (file: string) => void>> = {
    'was cut off': (file) => truncateSync(file, 3),
    'has other content of its size, and its times restored': (file) => {
      const { atime, mtime, size } = statSync(file);
      writeFileSync(file, 'x'.repeat(size));
      utimesSync(file, atime, mtime);
    },
  };

  it.each(Object.keys(damage))('that %s is found, said, and not used', async (how) => {
    for (const file of [packageFile(), blobFile(), join(image(), 'x.raw')]) {
      chmodSync(file, 0o644);
      damage[how]?.(file);
    }
    const found = await findAll(await borrow());
    expect(found).toMatchObject({ package: { state: 'miss' }, step: { made: 1 } });
    expect([found.blob, found.image]).toEqual([undefined, undefined]);
    expect(rig.warnings()).toEqual(['ICT_CACHE_DAMAGED', 'ICT_CACHE_DAMAGED', 'ICT_CACHE_DAMAGED']);
  });

  it.each(['truncated', 'changed'])('and a record that was %s are a miss', async (how) => {
    const files = readdirSync(lender.cacheDir, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json'));
    for (const path of files) {
      const text = readFileSync(inLender(path), 'utf8');
      const wrong = how === 'truncated' ? text.slice(0, text.length / 2) : text.replace('"made":1', '"made":3').replace('42', '43');
      writeFileSync(inLender(path), wrong.replace('"x.raw"', '"y.raw"'));
    }
    const found = await findAll(await borrow());
    expect([found.step, found.memo, found.image]).toEqual([undefined, undefined, undefined]);
  });

  it('of an image that was dropped is not used any more, by this cache', async () => {
    await (await borrow()).images.drop(inputs);
    expect((await (await borrow()).images.find(inputs)).image).toBeUndefined();
    expect(
      (await (await rig.open({ cacheDir: join(rig.root, 'third'), readOnlyDirs: [lender.cacheDir] })).images.find(inputs)).image,
    ).toBeDefined();
    rig.time += DAY;
    await fill(lender); // the image is made anew there
    expect((await (await borrow()).images.find(inputs)).image?.directory).toBe(image());
  });

  it('is remembered of images that are there, and of no others', async () => {
    await (await borrow()).images.drop('an image that nobody has');
    const remembered = rig.list('.ict/memo');
    await (await borrow()).images.drop(inputs);
    expect([remembered, rig.list('.ict/memo').length]).toEqual([[], 1]);
  });

  it('of a layer is not used any more by whoever found it, until the cache has one of its own', async () => {
    const cache = await borrow();
    expect(await cache.layers.discard(layer)).toBe(false);
    expect(await cache.layers.get(layer)).toBeUndefined();
    const staged = await cache.layers.stage();
    await cache.layers.publish(staged, layer, { manifest: '"listing"', signature: '"own"' });
    expect((await cache.layers.get(layer))?.signature).toBe('"own"');
    expect((await (await borrow()).layers.get(layer))?.signature).toBe('"own"');
  });
});

describe('a directory that cannot be used', () => {
  const places: Readonly<Record<string, () => string>> = {
    'is not there': () => join(rig.root, 'nowhere'),
    'is a file': () => rig.file(''),
    'was written by a newer ict': () => {
      writeFileSync(inLender('.ict/VERSION'), '99\n');
      return lender.cacheDir;
    },
  };
  it.each(Object.keys(places))('because it %s costs one warning', async (why) => {
    const cache = await rig.open({ readOnlyDirs: [places[why]?.() as string] });
    await findAll(cache);
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
    expect((await findAll(cache)).package).toEqual({ state: 'miss' });
  });

  it('in parts is passed over for these, with one warning', async () => {
    const second = join(rig.root, 'second');
    cpSync(lender.cacheDir, second, { recursive: true });
    for (const file of [blobFile(), packageFile()]) {
      rmSync(file);
      symlinkSync(file, file); // ELOOP: an error of the file system that root has, too
    }
    const cache = await rig.open({ readOnlyDirs: [lender.cacheDir, second] });
    const found = await findAll(cache);
    expect(found.blob?.startsWith(second)).toBe(true);
    expect(found.package).toMatchObject({ state: 'hit', file: join(second, 'pkgCache', provider, pkg.fileName) });
    expect(rig.warnings()).toEqual(['ICT_CACHE_UNREADABLE']);
  });

  it('because it is the cache itself is no second one', async () => {
    const cache = await rig.open({ readOnlyDirs: [rig.cacheDir] });
    await fill(cache);
    expect(existsSync(join(rig.cacheDir, 'pkgCache'))).toBe(true);
    expect(cache.readOnlyFetchDirectories).toEqual([]);
  });
});
