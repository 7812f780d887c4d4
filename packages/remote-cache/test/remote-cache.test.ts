import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { createFetcher } from '@ict/fetch';
import { digestOf } from '@ict/integrity';
import type { BlobRef, EventBody } from '@ict/plugin-api';
import { describe, expect, it, vi } from 'vitest';
import type { RemoteResult } from '../src/record.js';
import { SparseFile } from '../src/sparse-file.js';
import { blobPath, deserted, KEY, newSigner, OTHER_KEY, recordPath, startServer, TYPE, useWorld, world } from './world.js';
import { openStore, type StoreRequest } from '../src/stores/store.js';

useWorld();

const layer = digestOf('layer');
const result: RemoteResult = {
  output: { layer },
  archives: { [layer]: { kind: 'blob', digest: digestOf('archive'), sizeBytes: 7 } },
  tool: 'ict 0.1.0',
  durationMs: 12,
};

/** Noise, so that zstd stores it and each turned bit is one of the content. */
function noise(sizeBytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, index) => createHash('sha256').update(`${index}`).digest());
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

function turned(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function stored(path: string): Buffer {
  const bytes = world.server.files.get(path);
  if (bytes === undefined) throw new Error(`the store has no ${path}`);
  return bytes;
}

const text = (events: readonly EventBody[]): string => JSON.stringify(events);

describe('a record', () => {
  it('is found where its signer put it', async () => {
    await world.upload().putRecord(TYPE, KEY, result);
    expect(await world.cache().find(TYPE, KEY)).toEqual(result);
    expect(world.server.asked.at(-1)).toBe(`GET ${recordPath(world.signer)}`);
    expect(world.events).toEqual([]);
    expect(world.left()).toEqual([]);
  });

  it('that is absent is a miss, and nothing else', async () => {
    const cache = world.cache();
    expect(await cache.find(TYPE, KEY)).toBeUndefined();
    expect(await cache.find(TYPE, OTHER_KEY)).toBeUndefined();
    expect(world.server.asked).toHaveLength(2);
    expect(world.events).toEqual([]);
  });

  it('of a stranger is not looked at, and where ours is expected not believed', async () => {
    const stranger = newSigner();
    await world.upload({ signingKey: stranger.signing }).putRecord(TYPE, KEY, { ...result, output: 'theirs' });
    expect(await world.cache().find(TYPE, KEY)).toBeUndefined();
    expect(world.warnings()).toEqual([]);
    world.server.files.set(recordPath(world.signer), stored(recordPath(stranger)));
    expect(await world.cache().find(TYPE, KEY)).toBeUndefined();
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
  });

  it('of a stranger hides none of ours', async () => {
    const stranger = newSigner();
    await world.upload().putRecord(TYPE, KEY, result);
    await world.upload({ signingKey: stranger.signing }).putRecord(TYPE, KEY, { ...result, output: 'theirs' });
    expect(await world.cache().find(TYPE, KEY)).toEqual(result);
  });

  it.each([
    ['key', recordPath, OTHER_KEY, TYPE],
    ['type', recordPath, KEY, 'ict.packages'],
  ])('that lies in the place of another %s is not believed', async (_name, pathOf, key, type) => {
    await world.upload().putRecord(TYPE, KEY, result);
    world.server.files.set(pathOf(world.signer, key, type), stored(recordPath(world.signer)));
    expect(await world.cache().find(type, key)).toBeUndefined();
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
  });

  it('whose signed result is damaged is not believed, told with the reason, and that of another key is asked for', async () => {
    const own = newSigner();
    await world.upload().putRecord(TYPE, KEY, { ...result, output: { of: 'another version' } });
    await world.upload({ signingKey: own.signing }).putRecord(TYPE, KEY, { ...result, output: 'whole' });
    const faultIn = (output: unknown) => (output === 'whole' ? undefined : 'kind is undefined, not "layer"');
    const cache = world.cache({ trustedKeys: [world.signer.trusted, own.trusted] });
    expect(await cache.find(TYPE, KEY, faultIn)).toMatchObject({ output: 'whole' });
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
    expect(text(world.events)).toContain('it is signed, but its result is damaged: kind is undefined');
    expect(cache.isDamaged(recordPath(world.signer).slice(1))).toBe(true);
  });

  it('with a turned bit is not believed, and not asked for again', async () => {
    await world.upload().putRecord(TYPE, KEY, result);
    const good = stored(recordPath(world.signer));
    world.server.files.set(recordPath(world.signer), turned(good, good.indexOf('"payload":"') * 8 + 200));
    const cache = world.cache();
    const asked = world.server.asked.length;
    expect(await cache.find(TYPE, KEY)).toBeUndefined();
    expect(await cache.find(TYPE, KEY)).toBeUndefined();
    expect(world.server.asked.length - asked).toBe(1);
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
    expect(cache.isDamaged(recordPath(world.signer).slice(1))).toBe(true);
    expect(world.left()).toEqual([]);
  });

  it('that does not end is not read beyond its bound', async () => {
    const asked: number[] = [];
    const store = {
      ...world.storeAt(),
      get: (request: StoreRequest) => {
        asked.push(request.maxBytes);
        return world.storeAt().get({ ...request, maxBytes: 100 });
      },
    };
    world.server.files.set(recordPath(world.signer), Buffer.alloc(101, ' '));
    expect(await world.cache({ stores: [store] }).find(TYPE, KEY)).toBeUndefined();
    expect(asked).toEqual([32 * 1024 * 1024]);
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
  });

  it('is taken of the first trusted key that has one', async () => {
    const own = newSigner();
    await world.upload({ signingKey: own.signing }).putRecord(TYPE, KEY, { ...result, output: 'own' });
    const trustedKeys = [world.signer.trusted, own.trusted];
    expect(await world.cache({ trustedKeys }).find(TYPE, KEY)).toMatchObject({ output: 'own' });
    await world.upload().putRecord(TYPE, KEY, { ...result, output: 'main' });
    expect(await world.cache({ trustedKeys }).find(TYPE, KEY)).toMatchObject({ output: 'main' });
    expect(await world.cache({ trustedKeys: [own.trusted] }).find(TYPE, KEY)).toMatchObject({ output: 'own' });
  });

  it('of the next key counts when that of the first is damaged', async () => {
    const own = newSigner();
    await world.upload({ signingKey: own.signing }).putRecord(TYPE, KEY, { ...result, output: 'own' });
    world.server.files.set(recordPath(world.signer), Buffer.from('<html>'));
    expect(await world.cache({ trustedKeys: [world.signer.trusted, own.trusted] }).find(TYPE, KEY)).toMatchObject({ output: 'own' });
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_RECORD']);
  });
});

describe('a blob', () => {
  async function uploaded(content: Buffer): Promise<BlobRef> {
    const { ref, file } = world.blob(content);
    await world.upload().putBlob(ref, file);
    return ref;
  }

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('some text '.repeat(1000))],
    ['noise of several pieces', noise(3_000_001)],
    ['zeros', Buffer.alloc(5_000_000)],
  ])('of %s comes back', async (_name, content) => {
    const ref = await uploaded(content);
    const file = await world.cache().fetch(ref);
    expect(file === undefined ? undefined : readFileSync(file).equals(content)).toBe(true);
    expect(dirname(file ?? '')).toBe(join(world.root, 'temporary'));
    expect(world.left()).toHaveLength(1);
    expect(world.events).toEqual([]);
  });

  it('has holes where it is zeros', async () => {
    const ref = await uploaded(Buffer.concat([noise(10_000), Buffer.alloc(20_000_000), noise(10_000)]));
    expect(stored(blobPath(ref)).length).toBeLessThan(100_000);
    const { blocks, size } = statSync((await world.cache().fetch(ref)) ?? '');
    expect(size).toBe(20_020_000);
    expect(blocks * 512).toBeLessThan(1_000_000);
  });

  it('that is absent is not had, and nothing else', async () => {
    expect(await world.cache().fetch(world.blob(noise(10)).ref)).toBeUndefined();
    expect(world.events).toEqual([]);
  });

  it.each<[string, (packed: Buffer, content: Buffer) => Buffer]>([
    ['a turned bit', (packed) => turned(packed, packed.length * 4)],
    ['its end missing', (packed) => packed.subarray(0, -1)],
    ['half of it missing', (packed) => packed.subarray(0, packed.length / 2)],
    ['nothing in it', () => Buffer.alloc(0)],
    ['nothing that is compressed', (_packed, content) => content],
    ['other content of its size', (_packed, content) => zstdCompressSync(turned(content, 0))],
    ['less content', (_packed, content) => zstdCompressSync(content.subarray(1))],
    ['more content', (_packed, content) => zstdCompressSync(Buffer.concat([content, Buffer.from('x')]))],
    ['much more behind it than fits', (packed) => Buffer.concat([packed, noise(200_000)])],
    ['a bomb in its place', () => zstdCompressSync(Buffer.alloc(1 << 30), { params: { [constants.ZSTD_c_compressionLevel]: 1 } })],
  ])('with %s is not used, asked for once, and leaves nothing', async (_name, damage) => {
    const content = noise(100_000);
    const ref = await uploaded(content);
    world.server.files.set(blobPath(ref), damage(stored(blobPath(ref)), content));
    const cache = world.cache();
    const asked = world.server.asked.length;
    expect(await cache.fetch(ref)).toBeUndefined();
    expect(await cache.fetch(ref)).toBeUndefined();
    expect(world.server.asked.length - asked).toBe(1);
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_BLOB']);
    expect(cache.isDamaged(blobPath(ref).slice(1))).toBe(true);
    expect(cache.isDamaged(blobPath(world.blob(noise(1)).ref).slice(1))).toBe(false);
    expect(world.left()).toEqual([]);
  });

  it('is never written beyond its size', async () => {
    const ref = await uploaded(noise(100_000));
    const bomb = zstdCompressSync(Buffer.alloc(1 << 30, 1));
    world.server.files.set(blobPath(ref), bomb);
    const append = vi.spyOn(SparseFile.prototype, 'append');
    expect(await world.cache().fetch(ref)).toBeUndefined();
    expect(append.mock.calls.reduce((sum, [piece]) => sum + piece.length, 0)).toBeLessThanOrEqual(100_000);
    append.mockRestore();
    expect(text(world.events)).toContain('more than 100000 bytes');
  });

  it('is had of another server when that of the first is damaged', async () => {
    const content = noise(1000);
    const ref = await uploaded(content);
    const damaged = await startServer();
    try {
      damaged.files.set(blobPath(ref), Buffer.from('damaged'));
      const file = await world.cache({ stores: [world.storeAt(damaged.url), world.storeAt()] }).fetch(ref);
      expect(file === undefined ? undefined : readFileSync(file).equals(content)).toBe(true);
      expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_BLOB']);
    } finally {
      await damaged.close();
    }
  });
});

describe('a server', () => {
  it.each([401, 403, 429, 500, 503])('that answers with %i is asked nothing more', async (status) => {
    await world.upload().putRecord(TYPE, KEY, result);
    const cache = world.cache();
    world.server.refuse(status);
    const found = await Promise.all([cache.find(TYPE, KEY), cache.find(TYPE, OTHER_KEY), cache.fetch(world.blob(noise(10)).ref)]);
    expect(found).toEqual([undefined, undefined, undefined]);
    const asked = world.server.asked.length;
    world.server.refuse(undefined);
    expect(await cache.find(TYPE, KEY)).toBeUndefined();
    expect(await cache.fetch(world.blob(noise(10)).ref)).toBeUndefined();
    expect(world.server.asked).toHaveLength(asked);
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
    expect(text(world.events)).toContain(`${status}`);
    expect(await world.cache().find(TYPE, KEY)).toEqual(result); // another process may ask it
  });

  it('where nobody listens is passed over', async () => {
    await world.upload().putRecord(TYPE, KEY, result);
    const cache = world.cache({ stores: [world.storeAt(await deserted()), world.storeAt()] });
    expect(await cache.find(TYPE, KEY)).toEqual(result);
    expect(await cache.find(TYPE, OTHER_KEY)).toBeUndefined();
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
  });

  it('that sends a byte now and then is asked twice, and no more', async () => {
    await world.upload().putRecord(TYPE, KEY, result);
    const asked: string[] = [];
    const drip = (response: ServerResponse): void => {
      if (!response.destroyed) response.write('x', () => setImmediate(drip, response));
    };
    const slow = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      drip(response);
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    let nowMs = 0;
    const timer = { now: () => (nowMs += 1000), sleep: () => Promise.resolve(), random: () => 0 };
    const timeouts = { bodyMs: 20_000, leastBytesPerSecond: 64 * 1024 };
    const directories = { directory: join(world.root, 'slow'), temporary: join(world.root, 'downloads') };
    const fetcher = createFetcher({ ...directories, env: {}, retry: { retries: 1 }, timer, timeouts });
    try {
      const store = openStore(`http://127.0.0.1:${(slow.address() as AddressInfo).port}`, { ...world.transport, fetcher });
      const cache = world.cache({ stores: [store, world.storeAt()] });
      expect(await cache.find(TYPE, KEY)).toEqual(result);
      expect(await cache.find(TYPE, OTHER_KEY)).toBeUndefined();
      expect(asked).toEqual([recordPath(world.signer), recordPath(world.signer)].map((path) => `GET ${path}`));
      expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE']);
    } finally {
      await fetcher.close();
      slow.closeAllConnections();
      await new Promise((resolve) => slow.close(resolve));
    }
  });

  it('after another is asked when that one has nothing', async () => {
    const second = await startServer();
    try {
      await world.upload({ store: world.storeAt(second.url) }).putRecord(TYPE, KEY, { ...result, output: 'second' });
      const cache = world.cache({ stores: [world.storeAt(), world.storeAt(second.url)] });
      expect(await cache.find(TYPE, KEY)).toMatchObject({ output: 'second' });
      await world.upload().putRecord(TYPE, KEY, { ...result, output: 'first' });
      const asked = second.asked.length;
      expect(await cache.find(TYPE, KEY)).toMatchObject({ output: 'first' });
      expect(second.asked).toHaveLength(asked);
    } finally {
      await second.close();
    }
  });

  it('may have a path, a user and a password, which no warning tells', async () => {
    const url = `${world.server.url.replace('://', '://reader:s%40cret@')}/caches/one/?sig=hidden`;
    expect(await world.cache({ stores: [world.storeAt(url)] }).find(TYPE, KEY)).toBeUndefined();
    expect(world.server.asked).toEqual([`GET /caches/one${recordPath(world.signer)}?sig=hidden`]);
    expect(world.server.credentials).toEqual([`Basic ${Buffer.from('reader:s@cret').toString('base64')}`]);
    world.server.refuse(403);
    await world.cache({ stores: [world.storeAt(url)] }).find(TYPE, KEY);
    world.server.refuse(undefined);
    world.server.files.set(`/caches/one${recordPath(world.signer)}?sig=hidden`, Buffer.from('damaged'));
    await world.cache({ stores: [world.storeAt(url)] }).find(TYPE, KEY);
    expect(world.warnings()).toEqual(['ICT_REMOTE_CACHE_UNREACHABLE', 'ICT_REMOTE_CACHE_RECORD']);
    expect(text(world.events)).toContain(`${world.server.url}/caches/one`);
    expect(text(world.events)).not.toMatch(/reader|s%40cret|s@cret|hidden/);
  });
});

describe('what is wrong on this machine is thrown:', () => {
  it('a directory where no file can be made', async () => {
    const { ref, file } = world.blob(noise(1000));
    await world.upload().putBlob(ref, file);
    await expect(world.cache({ temporary: join(file, 'below a file') }).fetch(ref)).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(world.events).toEqual([]);
    expect(world.left()).toEqual([]);
  });

  it('the end that was asked for', async () => {
    const reason = new Error('enough');
    world.abort(reason);
    await expect(world.cache().find(TYPE, KEY)).rejects.toBe(reason);
    await expect(world.cache().fetch(world.blob(noise(1)).ref)).rejects.toBe(reason);
    expect(world.events).toEqual([]);
  });
});
