import { existsSync, writeFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { digestOf } from '@ict/integrity';
import { describe, expect, it } from 'vitest';
import type { RemoteResult } from '../src/record.js';
import { blobPath, deserted, KEY, NOW, OTHER_KEY, recordPath, TYPE, useWorld, world } from './world.js';

useWorld();

const result: RemoteResult = { output: 'made', archives: {}, tool: 'ict 0.1.0' };
const content = Buffer.from('content of a layer '.repeat(10_000));

describe('a record', () => {
  it('is had once it was put', async () => {
    const upload = world.upload();
    expect(await upload.find(TYPE, KEY)).toBeUndefined();
    await upload.putRecord(TYPE, KEY, result);
    expect(await upload.find(TYPE, KEY)).toEqual(result);
    expect(await upload.find(TYPE, OTHER_KEY)).toBeUndefined();
    expect(world.server.asked).toEqual([
      `GET ${recordPath(world.signer)}`,
      `PUT ${recordPath(world.signer)}`,
      `GET ${recordPath(world.signer)}`,
      `GET ${recordPath(world.signer, OTHER_KEY)}`,
    ]);
    expect(world.left()).toEqual([]);
  });

  it('says when it was stored', async () => {
    await world.upload().putRecord(TYPE, KEY, result);
    const { payload } = JSON.parse(String(world.server.files.get(recordPath(world.signer)))) as { payload: string };
    expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({ storedAt: NOW, type: TYPE, key: KEY });
  });

  it.each([
    ['damaged', Buffer.from('damaged')],
    ['larger than anybody reads', Buffer.alloc(33 * 1024 * 1024)],
  ])('that is %s is not had, and replaced', async (_what, content) => {
    world.server.files.set(recordPath(world.signer), content);
    const upload = world.upload();
    expect(await upload.find(TYPE, KEY)).toBeUndefined();
    await upload.putRecord(TYPE, KEY, result);
    expect(await world.cache().find(TYPE, KEY)).toEqual(result);
    expect(world.left()).toEqual([]);
  });

  it('whose result a reader found to be damaged is not had, and replaced', async () => {
    await world.upload().putRecord(TYPE, KEY, { ...result, output: 'wrong' });
    const reader = world.cache();
    expect(await reader.find(TYPE, KEY, () => 'it is wrong')).toBeUndefined();
    expect(await world.upload({ reader }).find(TYPE, KEY)).toBeUndefined();
    expect(await world.upload().find(TYPE, KEY)).toMatchObject({ output: 'wrong' });
  });

  it('that nobody would read is not sent', async () => {
    const output = 'x'.repeat(33 * 1024 * 1024);
    await expect(world.upload().putRecord(TYPE, KEY, { ...result, output })).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_UPLOAD' });
    expect(world.server.asked).toEqual([]);
  });
});

describe('a blob', () => {
  it('is compressed and sent once', async () => {
    const { ref, file } = world.blob(content);
    const upload = world.upload();
    expect(await upload.hasBlob(ref)).toBe(false);
    const sentBytes = await upload.putBlob(ref, file);
    expect(await upload.putBlob(ref, file)).toBe(0);
    expect(await upload.hasBlob(ref)).toBe(true);
    expect(world.server.asked).toEqual([`HEAD ${blobPath(ref)}`, `HEAD ${blobPath(ref)}`, `PUT ${blobPath(ref)}`]);
    const packed = world.server.files.get(blobPath(ref)) ?? Buffer.alloc(0);
    expect(packed.length).toBeLessThan(content.length / 10);
    expect(sentBytes).toBe(packed.length);
    expect(zstdDecompressSync(packed).equals(content)).toBe(true);
    expect(existsSync(file)).toBe(true);
    expect(world.left()).toEqual([]);
  });

  it('that the server has is not sent', async () => {
    const { ref, file } = world.blob(content);
    await world.upload().putBlob(ref, file);
    world.server.asked.length = 0;
    await world.upload().putBlob(ref, file);
    expect(world.server.asked).toEqual([`HEAD ${blobPath(ref)}`]);
  });

  it('that a reader found to be damaged is replaced, once, and without asking', async () => {
    const { ref, file } = world.blob(content);
    world.server.files.set(blobPath(ref), Buffer.from('damaged'));
    const reader = world.cache();
    expect(await reader.fetch(ref)).toBeUndefined();
    world.server.asked.length = 0;
    const upload = world.upload({ reader });
    await upload.putBlob(ref, file);
    await upload.putBlob(ref, file);
    expect(world.server.asked).toEqual([`PUT ${blobPath(ref)}`]);
    expect(await world.cache().fetch(ref)).toBeDefined();
  });

  it.each([
    ['other content', Buffer.from(content).fill('x', 0, 1)],
    ['more content', Buffer.concat([content, content])],
    ['less content', content.subarray(1)],
    ['none', Buffer.alloc(0)],
  ])('is not sent when its file has %s by now', async (_name, changed) => {
    const { ref, file } = world.blob(content);
    writeFileSync(file, changed);
    await expect(world.upload().putBlob(ref, file)).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_UPLOAD', kind: 'network' });
    expect(world.server.asked).toEqual([`HEAD ${blobPath(ref)}`]);
    expect(world.left()).toEqual([]);
  });
});

describe('trouble is one error, which tells no password:', () => {
  const works = {
    find: () => world.upload({ store: world.storeAt(address()) }).find(TYPE, KEY),
    hasBlob: () => world.upload({ store: world.storeAt(address()) }).hasBlob(world.blob(content).ref),
    putRecord: () => world.upload({ store: world.storeAt(address()) }).putRecord(TYPE, KEY, result),
    putBlob: () => {
      const { ref, file } = world.blob(content);
      return world.upload({ store: world.storeAt(address()) }).putBlob(ref, file);
    },
  };
  const address = (): string => `${world.server.url.replace('://', '://writer:s%40cret@')}/caches?sig=hidden`;

  it.each(Object.entries(works).flatMap(([name, work]) => [401, 403, 405, 409, 500].map((status) => ({ name, work, status }))))(
    '$name, answered with $status',
    async ({ work, status }) => {
      world.server.refuse(status);
      const failure: unknown = await work().catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'ICT_REMOTE_CACHE_UPLOAD',
        kind: 'network',
        facts: { url: `${world.server.url}/caches`, status, reason: 'ICT_FETCH_STATUS' },
      });
      expect(JSON.stringify(failure) + (failure as Error).message).not.toMatch(/writer|s%40cret|s@cret|hidden/);
      expect(world.left()).toEqual([]);
    },
  );

  it('nobody listens', async () => {
    await expect(world.upload({ store: world.storeAt(await deserted()) }).putRecord(TYPE, KEY, result)).rejects.toMatchObject({
      code: 'ICT_REMOTE_CACHE_UPLOAD',
      facts: { reason: 'ICT_FETCH_CONNECTION' },
    });
  });

  it('no room for what is sent', async () => {
    const { ref, file } = world.blob(content);
    await expect(world.upload({ temporary: file }).putBlob(ref, file)).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_UPLOAD' });
  });

  it('a blob that goes by another digest', async () => {
    const { file } = world.blob(content);
    const ref = { digest: digestOf(content, 'sha512'), sizeBytes: content.length };
    await expect(world.upload().putBlob(ref, file)).rejects.toMatchObject({ code: 'ICT_INTEGRITY_DIGEST' });
  });
});

it('sends user and password to the server', async () => {
  await world.upload({ store: world.storeAt(world.server.url.replace('://', '://writer:s%40cret@')) }).putRecord(TYPE, KEY, result);
  expect(world.server.credentials).toEqual([`Basic ${Buffer.from('writer:s@cret').toString('base64')}`]);
});

it('stops with its signal, of which it gives the reason', async () => {
  const { ref, file } = world.blob(content);
  const reason = new Error('enough');
  world.abort(reason);
  await expect(world.upload().putBlob(ref, file)).rejects.toBe(reason);
  await expect(world.upload().putRecord(TYPE, KEY, result)).rejects.toBe(reason);
  await expect(world.upload().find(TYPE, KEY)).rejects.toBe(reason);
  expect(world.server.asked).toEqual([]);
});
