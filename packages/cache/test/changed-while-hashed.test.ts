import { chmodSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/cache.js';
import { makeCacheRig, packageOf, provider, type CacheRig } from './cache-rig.js';

/* What a file holds may change between the last read of a hash and the look at its state: that state says nothing of the bytes that were hashed. */

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

const content = 'some content';
const other = 'evil content';

/** A cache in which something happens to the first file that is hashed, once all of it was read. */
async function openWith(meanwhile: (file: string) => void): Promise<Cache> {
  let happened = false;
  return rig.open({
    digestFile: async (file, algorithm = 'sha256') => {
      const identity = await hashFile(file, { algorithm });
      if (!happened) meanwhile(file);
      happened = true;
      return identity;
    },
  });
}

function overwrite(file: string): void {
  chmodSync(file, 0o644);
  writeFileSync(file, other);
}

/** Has a file hashed again. */
function touch(file: string): void {
  const { atime } = statSync(file);
  utimesSync(file, atime, new Date(0));
}

describe('what changes while it is hashed', () => {
  it('is a blob that is hashed again at its next use', async () => {
    await (await rig.open()).blobs.putBytes(Buffer.from(content));
    const digest = digestOf(content);
    const file = join(rig.cacheDir, '.ict/blobs/sha256', digest.slice(7, 9), digest.slice(7));
    touch(file);
    const cache = await openWith(overwrite);
    await cache.blobs.path(digest);
    expect(await cache.blobs.path(digest)).toBeUndefined();
    expect(rig.warnings()).toEqual(['ICT_CACHE_DAMAGED']);
  });

  it('is a package that is not taken', async () => {
    const pkg = packageOf('jq', content);
    touch(await (await rig.open()).packages(provider).store(pkg, rig.file(content)));
    const cache = await openWith(overwrite);
    expect(await cache.packages(provider).lookup(pkg)).toMatchObject({ state: 'invalid' });
    expect(await cache.packages(provider).lookup(pkg)).toEqual({ state: 'miss' });
  });

  it('is a file of an image that is hashed again when the image is looked for next', async () => {
    const inputs = { template: 'one' };
    const documents = new Map([['one.lock.yml', Buffer.from(content)]]);
    const image = await (await rig.open()).images.put(inputs, { artifacts: [], documents }, 'ict');
    touch(join(image?.directory as string, 'one.lock.yml'));
    const cache = await openWith(overwrite);
    await cache.images.find(inputs);
    expect((await cache.images.find(inputs)).image).toBeUndefined();
    expect(rig.warnings()).toEqual(['ICT_CACHE_DAMAGED']);
  });

  it('is a file that is not imported as an image', async () => {
    const cache = await openWith(overwrite);
    await expect(cache.images.importFile(rig.file(content), 'one.raw', 'raw', 'ict')).rejects.toMatchObject({ code: 'ICT_CACHE_MISMATCH' });
    expect(rig.list('imageCache')).toEqual([]);
  });
});
