import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openStore, type Store, type StoreUse } from '../../src/stores/store.js';
import { KEY, TYPE, useWorld, world } from '../world.js';
import { FakeRegistry, type RegistryRules } from './fake-registry.js';

useWorld();

const PLACE = 'v1/blobs/sha256/ab/abcd.zst';
const content = Buffer.from('what a layer holds '.repeat(1000));

let registry: FakeRegistry;

afterEach(() => registry.close());

async function start(rules: RegistryRules = {}): Promise<FakeRegistry> {
  registry = await FakeRegistry.start(rules);
  return registry;
}

interface Opening {
  readonly who?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly use?: StoreUse;
}

function open({ who = '', env = {}, use = 'write' }: Opening = {}): Store {
  const address = `oci+http://${who === '' ? '' : `${who}@`}${registry.host}/acme/ict-cache`;
  return openStore(address, { ...world.transport, env: { HOME: world.root, PATH: process.env['PATH'], ...env } }, use);
}

async function put(store: Store, bytes: Buffer = content, place = PLACE): Promise<void> {
  await store.put(place, world.blob(bytes).file);
}

async function get(store: Store, maxBytes = 100_000): Promise<Buffer | string | undefined> {
  const answer = await store.get({ place: PLACE, maxBytes });
  return answer === undefined ? undefined : 'file' in answer ? readFileSync(answer.file) : answer.fault;
}

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

describe('who asks is proved', () => {
  it('by user and password of the address', async () => {
    await start({ who: 'me:s@cret' });
    const store = open({ who: 'me:s%40cret' });
    await put(store);
    expect(await get(open({ who: 'me:s%40cret', use: 'read' }))).toEqual(content);
    await expect(get(open({ use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
    await expect(get(open({ who: 'me:other', use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it('by tokens, of those who only ask for less than of those who write', async () => {
    await start({ who: 'me:secret', challenge: 'bearer' });
    await put(open({ who: 'me:secret' }));
    expect(registry.scopes).toEqual(['repository:acme/ict-cache:pull,push']);
    expect(await get(open({ who: 'me:secret', use: 'read' }))).toEqual(content);
    expect(registry.scopes).toEqual(['repository:acme/ict-cache:pull,push', 'repository:acme/ict-cache:pull']);
    await expect(get(open({ who: 'me:other', use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it('by tokens that everybody gets', async () => {
    await start({ challenge: 'bearer' });
    await put(open());
    expect(await get(open())).toEqual(content);
  });

  it('again when a token is no longer good', async () => {
    await start({ who: 'me:secret', challenge: 'bearer', tokenUses: 1 });
    const store = open({ who: 'me:secret' });
    await put(store);
    expect(await get(store)).toEqual(content);
  });

  it('as the next file knows it', async () => {
    await start({ who: 'me:secret' });
    const write = (file: string, content: unknown): void => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(content));
    };
    const auth = Buffer.from('me:secret').toString('base64');
    write(join(world.root, 'run/containers/auth.json'), { auths: { 'other.example': { auth: 'x' } }, credHelpers: null });
    write(join(world.root, '.config/containers/auth.json'), null);
    write(join(world.root, '.docker/config.json'), { auths: { [registry.host]: { auth }, broken: null, odd: { auth: 5 } } });
    await put(open({ env: { XDG_RUNTIME_DIR: join(world.root, 'run') } }));
    expect(registry.manifests.size).toBe(1);
  });

  it('by no program that is needed for what everybody may read', async () => {
    await start({ challenge: 'bearer' });
    await put(open());
    const env = helper('exit 3', () => ({ credsStore: 'test' }));
    expect(await get(open({ env, use: 'read' }))).toEqual(content);
  });

  it('by no program that goes on when the build is to end', async () => {
    await start({ who: 'me:secret' });
    const env = helper(`touch ${join(world.root, 'asked')}; trap '' TERM; sleep 60`, () => ({ credsStore: 'test' }));
    const reason = new Error('enough');
    const store = openStore(
      `oci+http://${registry.host}/acme/ict-cache`,
      { ...world.transport, signal: world.signal, env: { HOME: world.root, ...env } },
      'read',
    );
    const asked = store.get({ place: PLACE, maxBytes: 100 }).catch((error: unknown) => error);
    await vi.waitUntil(() => existsSync(join(world.root, 'asked')));
    world.abort(reason);
    expect(await asked).toBe(reason);
  });

  it.each([
    ['one scheme after the other', 'Bearer realm="REALM",service="registry.example", Basic realm="registry"'],
    ['the other first', 'Basic realm="registry", Bearer service=registry.example, realm="REALM"'],
  ])('to a challenge of %s', async (_what, says) => {
    await start({ challenge: 'bearer', says });
    await put(open());
    expect(await get(open({ use: 'read' }))).toEqual(content);
  });

  it('as docker, podman and skopeo know it', async () => {
    await start({ who: 'me:se:cret' });
    const auth = Buffer.from('me:se:cret').toString('base64');
    const config = (auths: object): string => {
      const directory = join(world.root, 'docker');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths }));
      return directory;
    };
    await put(open({ env: { DOCKER_CONFIG: config({ [registry.host]: { auth } }) } }));
    for (const name of [`${registry.host}/acme`, `${registry.host}/acme/ict-cache`, `https://${registry.host}/v2/`]) {
      expect(await get(open({ env: { DOCKER_CONFIG: config({ [name]: { auth } }) } })), name).toEqual(content);
    }
    const file = join(config({ [registry.host]: { auth } }), 'config.json');
    expect(await get(open({ env: { REGISTRY_AUTH_FILE: file } }))).toEqual(content);
    await expect(get(open({ env: { DOCKER_CONFIG: config({ 'other.example': { auth } }) }, use: 'read' }))).rejects.toMatchObject({
      facts: { status: 401 },
    });
  });

  it('by an identity token', async () => {
    await start({ who: 'long-lived', challenge: 'bearer' });
    const file = join(world.root, 'auth.json');
    writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { identitytoken: 'long-lived' } } }));
    await put(open({ env: { REGISTRY_AUTH_FILE: file } }));
    expect(registry.asked).toContain('POST /token');
    expect(await get(open({ env: { REGISTRY_AUTH_FILE: file } }))).toEqual(content);
  });

  const helper = (script: string, settings: (name: string) => object): Readonly<Record<string, string>> => {
    const programs = join(world.root, 'programs');
    mkdirSync(programs, { recursive: true });
    writeFileSync(join(programs, 'docker-credential-test'), `#!/bin/sh\nread server\n${script}\n`);
    chmodSync(join(programs, 'docker-credential-test'), 0o755);
    writeFileSync(join(world.root, 'auth.json'), JSON.stringify(settings(registry.host)));
    return { REGISTRY_AUTH_FILE: join(world.root, 'auth.json'), PATH: `${programs}${delimiter}${process.env['PATH']}` };
  };

  it.each([
    ['credsStore', () => ({ credsStore: 'test' })],
    ['credHelpers', (host: string) => ({ credHelpers: { [host]: 'test' } })],
  ])('by a program that %s names', async (_setting, settings) => {
    await start({ who: 'me:secret' });
    const env = helper(`[ "$1 $server" = "get ${registry.host}" ] && echo '{"Username":"me","Secret":"secret"}'`, settings);
    await put(open({ env }));
    expect(await get(open({ env }))).toEqual(content);
  });

  it('by nothing that a program does not know', async () => {
    await start({ who: 'me:secret' });
    const env = helper('echo "credentials not found in native keychain"; exit 1', () => ({ credsStore: 'test' }));
    await expect(get(open({ env, use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it.each([
    ['a program that fails', 'echo broken >&2; exit 3', 'docker-credential-test failed'],
    ['a program that says something else', 'echo hello', 'docker-credential-test said something else'],
  ])('%s is named', async (_what, script, message) => {
    await start({ who: 'me:secret' });
    const env = helper(script, () => ({ credsStore: 'test' }));
    await expect(get(open({ env, use: 'read' }))).rejects.toThrow(message);
  });

  it.each([
    ['no JSON', '{"auths": {"a": {"auth": "c2VjcmV0"', 'is no JSON'],
    ['a user alone', '{"auths":{"HOST":{"auth":"c2VjcmV0"}}}', 'holds no user and password'],
  ])('a file with %s is named, and not quoted', async (_what, text, message) => {
    await start({ who: 'me:secret' });
    const file = join(world.root, 'auth.json');
    writeFileSync(file, text.replace('HOST', registry.host));
    const failure: unknown = await get(open({ env: { REGISTRY_AUTH_FILE: file }, use: 'read' })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', facts: { source: file } });
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).not.toMatch(/c2VjcmV0|: secret/);
  });

  it.each([
    ['names no service', 'Bearer service="registry.example"'],
    ['names a service that is no address', 'Bearer realm="token",service="registry.example"'],
    ['names a service of another kind', 'Bearer realm="file:///etc/passwd"'],
  ])('to no challenge that %s', async (_what, says) => {
    await start({ says, challenge: 'bearer' });
    await expect(get(open({ who: 'me:secret' }))).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
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
