import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { describe, expect, it } from 'vitest';
import { KEY, TYPE, useWorld, world } from '../world.js';
import { FakeRegistry } from './fake-registry.js';
import { content, get, open, PLACE, put, registry, start, useRegistry } from './registry-world.js';

useWorld();
useRegistry();

describe('a repository of a registry', () => {
  it('has what was put there, each place as a tag with one layer', async () => {
    await start();
    const store = open();
    expect(await store.has(PLACE)).toBe(false);
    expect(await get(store)).toBeUndefined();
    await put(store);
    expect(await store.has(PLACE)).toBe(true);
    expect(await get(store)).toEqual(content);
    const [[name, manifest] = []] = [...registry.manifests];
    expect(name).toMatch(/^acme\/ict-cache:ict-[0-9a-f]{64}$/);
    expect(JSON.parse(String(manifest))).toMatchObject({
      artifactType: 'application/vnd.ict.cache.v1',
      layers: [{ digest: digestOf(content), size: content.length }],
      annotations: { 'org.opencontainers.image.title': PLACE },
    });
  });

  it('has the last of what was put at a place, and nothing of it at another', async () => {
    await start();
    const store = open();
    await put(store);
    await put(store, Buffer.from('second'));
    expect(await get(store)).toEqual(Buffer.from('second'));
    expect(await store.has('v1/blobs/sha256/ab/other.zst')).toBe(false);
  });

  it('is not sent what it has', async () => {
    await start();
    const store = open();
    await put(store);
    registry.asked.length = 0;
    await put(store, content, 'v1/blobs/sha256/ab/other.zst');
    expect(registry.asked.map((asked) => asked.split(' ')[0])).toEqual(['HEAD', 'PUT']);
  });

  it('keeps records and blobs of a cache', async () => {
    await start();
    const { ref, file } = world.blob(content);
    const upload = world.upload({ store: open() });
    await upload.putBlob(ref, file);
    await upload.putRecord(TYPE, KEY, { output: 'made', archives: {}, tool: 'ict' });
    const cache = world.cache({ stores: [open()] });
    expect(await cache.find(TYPE, KEY)).toMatchObject({ output: 'made' });
    expect(readFileSync((await cache.fetch(ref)) as string)).toEqual(content);
    expect(world.warnings().filter((type) => type.startsWith('ICT'))).toEqual([]);
  });

  it('may keep blobs on another server, which is told no password', async () => {
    await start({ storage: true, who: 'me:secret' });
    const store = open({ who: 'me:secret' });
    await put(store);
    expect(await get(store)).toEqual(content);
    expect(registry.strayed).toEqual([undefined, undefined, undefined, undefined, undefined]); // two pieces of both blobs there, and one back
  });

  it('is sent a file again whose session broke', async () => {
    await start();
    registry.failing.set('PUT /v2/acme/ict-cache/blobs/', 404);
    const store = open();
    await put(store);
    expect(await get(store)).toEqual(content);
  });

  it('is not sent a file again that arrived after all', async () => {
    await start();
    registry.failsAfter.add('PUT');
    await put(open());
    expect(registry.asked.filter((asked) => asked.startsWith('PATCH'))).toHaveLength(2); // the file, and what stands for a configuration
  });

  it('is sent files again that it forgot meanwhile', async () => {
    await start();
    const store = open();
    await put(store);
    registry.failing.set('PUT /v2/acme/ict-cache/manifests/', 400);
    registry.blobs.delete(digestOf(content));
    await put(store, Buffer.from('second'));
    expect(await get(store)).toEqual(Buffer.from('second'));
  });

  it('may not be there before the first upload', async () => {
    await start({ secretive: true });
    expect(await open().has(PLACE)).toBe(false);
    expect(await get(open())).toBeUndefined();
    await expect(get(open({ use: 'read' }))).rejects.toMatchObject({ facts: { status: 403 } });
    await put(open());
    expect(await get(open({ use: 'read' }))).toEqual(content);
  });

  it('may say of what needs a login that it is not there', async () => {
    await start({ who: 'me:secret', challenge: 'bearer' });
    await put(open({ who: 'me:secret' }));
    registry.asked.length = 0;
    await get(open({ who: 'me:secret', use: 'read' }));
    expect(registry.asked.slice(0, 2)).toEqual(['GET /v2/', 'GET /token']);
  });

  it.each([401, 403, 405, 413])('may refuse what is put there with status %i', async (status) => {
    await start();
    registry.failing.set('POST /v2/acme/ict-cache/blobs/', status);
    if (status === 401) registry.failing.set('POST /v2/acme/ict-cache/blobs/u', status);
    await expect(put(open())).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status } });
    expect(registry.manifests.size).toBe(0);
  });
});

it.each(['http://', 'ftp://registry.example/a', 'file:///tmp/a'])('nothing is sent to %s', async (location) => {
  await start({ location });
  await expect(put(open())).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_UNREACHABLE' });
});

describe('what a registry has is not used', () => {
  const tamper = (manifest: unknown): void => {
    for (const name of registry.manifests.keys()) registry.manifests.set(name, Buffer.from(JSON.stringify(manifest)));
  };
  const layer = { mediaType: 'application/vnd.ict.cache.file.v1', digest: digestOf(content), size: content.length };

  it.each([
    ['no map', null],
    ['an image of others', { layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar' }] }],
    ['two layers', { layers: [layer, layer] }],
    ['no digest', { layers: [{ ...layer, digest: '../../../etc/passwd' }] }],
    ['no size', { layers: [{ ...layer, size: -1 }] }],
  ])('when its manifest has %s', async (_what, manifest) => {
    await start();
    const store = open();
    await put(store);
    tamper(manifest);
    expect(await get(store)).toBe('its manifest is none of a cache');
  });

  it('when its manifest is no JSON', async () => {
    await start();
    const store = open();
    await put(store);
    for (const name of registry.manifests.keys()) registry.manifests.set(name, Buffer.from('{'));
    expect(await get(store)).toBe('its manifest is none of a cache');
  });

  it('when it is too large', async () => {
    await start();
    const store = open();
    await put(store);
    expect(await get(store, 100)).toBe('it is larger than 100 bytes');
  });

  it('when the registry lost it', async () => {
    await start();
    const store = open();
    await put(store);
    registry.blobs.clear();
    expect(await get(store)).toBe(`its registry lost ${digestOf(content)}`);
  });

  it('when it is another blob', async () => {
    await start();
    const store = open();
    await put(store);
    registry.blobs.set(digestOf(content), Buffer.from('x'.repeat(content.length)));
    expect(await get(store)).toBe('it has another size or digest than was announced');
  });
});

it('a manifest that does not end is none of a cache', async () => {
  await start();
  const store = open();
  await put(store);
  for (const name of registry.manifests.keys()) registry.manifests.set(name, Buffer.alloc(2 * 1024 * 1024));
  expect(await get(store)).toBe('its manifest is none of a cache');
});

describe('no password is told', () => {
  it.each([
    ['Basic', () => 'Basic realm="storage"'],
    ['Bearer', (host: string) => `Bearer realm="http://${host}/token",service="storage"`],
  ])('to another server that asks for it by %s', async (_scheme, greedy) => {
    await start({ who: 'me:secret', storage: true, greedy });
    await expect(put(open({ who: 'me:secret' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
    expect(registry.strayed.filter((told) => told !== undefined)).toEqual([]);
  });

  it('to another server that a service of tokens names', async () => {
    const other = await FakeRegistry.start();
    try {
      await start({ who: 'long-lived', challenge: 'bearer', elsewhere: `http://${other.host}/token` });
      const file = join(world.root, 'auth.json');
      writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { identitytoken: 'long-lived' } } }));
      const store = open({ env: { REGISTRY_AUTH_FILE: file }, use: 'read' });
      await expect(get(store)).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
      expect(other.asked).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

it.each([
  'oci://registry.example',
  'oci://registry.example/Acme',
  'oci://me:50%off@registry.example/a',
  'oci://registry.example/a//b',
  'oci:///a',
])('%s is no address of a repository', async (address) => {
  await start();
  expect(() => world.storeAt(address)).toThrow(expect.objectContaining({ code: 'ICT_REMOTE_CACHE_ADDRESS' }) as Error);
});
